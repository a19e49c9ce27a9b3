"""Tables as files: CSV, XLSX, XLS and DBF, read within limits and written safely.

`reading` and `writing` turn files into sheets of text cells and back; `columns` and `values` say
what the cells mean; `lines` reads sheets of known columns and reports every wrong cell; `formats`,
`results` and `resources` fit all of it into django-import-export.
"""
