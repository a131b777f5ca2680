"""The files of helm/skerry that are made from others: values.schema.json, the README's table, helm/install.yaml."""
