"""Messages wait whose device type takes too long."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("ingestion", "0017_module_inputs")]

    operations = [
        migrations.AlterField(
            model_name="quarantine",
            name="reason",
            field=models.CharField(
                choices=[
                    ("malformed", "not a frame of the protocol"),
                    ("unknown_device", "the device is unknown"),
                    ("blocked", "the device or its company is not active"),
                    ("foreign_source", "sent from outside the company's networks"),
                    ("no_key", "no key is known for the device"),
                    ("wrong_key", "sealed with another key, or changed on the way"),
                    ("replayed", "older than what was received, perhaps replayed"),
                    ("undecodable", "authentic, but not understood"),
                    ("too_slow", "its device type takes too long"),
                    ("no_meter", "no meter is on this port of the module"),
                    ("no_register", "the meter's type does not know this register"),
                    ("no_channel", "the usage point has no channel for this register"),
                    ("not_installed", "no meter was installed at the time of the values"),
                    ("off_grid", "the values do not fit the channel's intervals"),
                    ("out_of_time", "the time of the values lies outside the archive"),
                    ("no_clock", "the device has no clock"),
                    ("not_storable", "the values can't be stored"),
                ],
                max_length=16,
                verbose_name="reason",
            ),
        ),
    ]
