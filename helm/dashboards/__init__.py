"""The Grafana dashboards of Skerry as they are written: one module each. scripts/dashboards makes the JSON of them."""
