"""A register may have several reading types: those of the resources that a type may measure."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("meters", "0014_allocation_and_cooling"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="registertemplate", name="meters_register_template_unique"
        ),
        migrations.AddConstraint(
            model_name="registertemplate",
            constraint=models.UniqueConstraint(
                fields=("version", "register", "reading_type"),
                name="meters_register_template_unique",
            ),
        ),
    ]
