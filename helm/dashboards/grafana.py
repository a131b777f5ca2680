"""Grafana's dashboard model, as far as we use it: panels of the kinds that come with Grafana, variables, and a grid.

Each kind of panel is a function whose first arguments are alike: the title, what it tells and what to do about it (shown as the
panel's description), its queries, and the unit in Grafana's name for it (s, joule, percentunit, ...). `dashboard` places
panels from left to right in the order in which they are given. The model is what Grafana 12.2 and later write (schema version 42).
"""

import re

from dashboards.promql import expand

SCHEMA_VERSION = 42
PLUGIN_VERSION = "12.2.0"  # of the panels' options: without it Grafana takes them for older ones, and migrates them into nothing
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
RUNBOOKS = "https://github.com/skerry/skerry/blob/main/docs/runbooks/"  # as in rules/skerry-alerts.yaml
WIDTH = 24  # of Grafana's grid
GOOD, FAIR, POOR, BAD = "green", "yellow", "orange", "red"


# ---- queries

def query(expression, legend="", instant=False, form="time_series"):
    """legend: "{{node}}". instant: of the end of the shown time alone. form: time_series, table or heatmap."""
    return {"datasource": DATASOURCE, "expr": expand(expression), "legendFormat": legend, "format": form,
            "instant": instant, "range": not instant, "editorMode": "code"}


def column(expression):
    """A query whose value is one column of a table."""
    return query(expression, instant=True, form="table")


# ---- panels

def panel(kind, title, says, queries, unit, size, options, decimals=None, steps=None, custom=None, mappings=(), lowest=None,
          highest=None, color="palette-classic", overrides=(), transformations=()):
    """steps: thresholds as [(from, color)], the first from None. size: (width, height) in the grid. A description that ends with
    "Runbook: name." links to that page; several are named "Runbooks: one, other."."""
    defaults = {"unit": unit, "color": {"mode": color}, "mappings": list(mappings), "custom": custom or {},
                "thresholds": {"mode": "absolute",
                                       "steps": [{"value": value, "color": shade} for value, shade in steps or [(None, GOOD)]]}}
    for name, value in (("decimals", decimals), ("min", lowest), ("max", highest)):
        if value is not None:
            defaults[name] = value
    return {"type": kind, "pluginVersion": PLUGIN_VERSION, "title": title, "description": says, "datasource": DATASOURCE, "size": size,
            "links": [{"title": f"Runbook: {name}", "url": f"{RUNBOOKS}{name}.md", "targetBlank": True} for name in runbooks(says)],
            "targets": [{"refId": chr(ord("A") + i), **one} for i, one in enumerate(queries)],
            "fieldConfig": {"defaults": defaults, "overrides": list(overrides)},
            "options": options, "transformations": list(transformations)}


def runbooks(description):
    """The names of the pages that a description names."""
    found = re.search(r"Runbooks?: ([\w, -]+)\.$", description)
    return found.group(1).split(", ") if found else []


def timeseries(title, says, queries, unit, size=(8, 8), stacked=False, steps=None, log=False, **looks):
    """Lines over time. steps: drawn as dashed lines."""
    custom = {"drawStyle": "line", "lineInterpolation": "linear", "lineWidth": 1, "fillOpacity": 25 if stacked else 8,
              "showPoints": "never", "spanNulls": False, "stacking": {"mode": "normal" if stacked else "none", "group": "A"},
              "scaleDistribution": {"type": "log", "log": 10} if log else {"type": "linear"},
              "thresholdsStyle": {"mode": "dashed" if steps else "off"}}
    options = {"legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
               "tooltip": {"mode": "multi", "sort": "desc"}}
    return panel("timeseries", title, says, queries, unit, size, options, custom=custom, steps=steps, **looks)


def one_value(calculation="lastNotNull"):
    return {"calcs": [calculation], "fields": "", "values": False}


def stat(title, says, queries, unit, size=(4, 4), text="auto", graph="area", **looks):
    """One large figure. text: "name" shows the legend in its place."""
    options = {"reduceOptions": one_value(), "textMode": text, "colorMode": "value", "graphMode": graph, "justifyMode": "auto",
               "orientation": "auto", "wideLayout": True}
    return panel("stat", title, says, queries, unit, size, options, color="thresholds", **looks)


def gauge(title, says, queries, unit, size=(4, 4), **looks):
    options = {"reduceOptions": one_value(), "orientation": "auto", "showThresholdLabels": False, "showThresholdMarkers": True}
    return panel("gauge", title, says, queries, unit, size, options, color="thresholds", **looks)


def bars(title, says, queries, unit, size=(8, 8), **looks):
    """One horizontal bar for each series' last value."""
    options = {"reduceOptions": one_value(), "orientation": "horizontal", "displayMode": "gradient", "valueMode": "color",
               "showUnfilled": True, "namePlacement": "auto", "sizing": "auto", "minVizWidth": 8, "minVizHeight": 16, "maxVizHeight": 300}
    return panel("bargauge", title, says, queries, unit, size, options, color="thresholds", **looks)


def heatmap(title, says, expression, unit, size=(12, 8), scheme="Oranges"):
    """Of a histogram's buckets, which the expression gives by le: how many fell into which, over time."""
    options = {"calculate": False, "cellGap": 1, "showValue": "never",
                                                              "legend": {"show": True}, "exemplars": {"color": "rgba(255,0,255,0.7)"},
               "color": {"mode": "scheme", "scheme": scheme, "scale": "exponential", "exponent": 0.5, "steps": 64, "fill": "dark-orange",
                         "reverse": False},
               "filterValues": {"le": 1e-9}, "rowsFrame": {"layout": "auto"}, "yAxis": {"axisPlacement": "left",
                                                                                                         "unit": unit, "reverse": False},
               "cellValues": {"unit": "short"}, "tooltip": {"mode": "single", "yHistogram": True, "showColorScale": True}}
    return panel("heatmap", title, says, [query(expression, "{{le}}", form="heatmap")], unit, size, options)


def timeline(title, says, queries, states, size=(12, 9)):
    """What state each series was in over time. states: [(value, text, color)]."""
    options = {"mergeValues": True, "showValue": "never", "alignValue": "left", "rowHeight": 0.85,
               "legend": {"displayMode": "list",
                                         "placement": "bottom", "showLegend": True}, "tooltip": {"mode": "single", "sort": "none"}}
    return panel("state-timeline", title, says, queries, "none", size, options, mappings=[meaning(states)],
                 custom={"fillOpacity": 75, "lineWidth": 0})


def table(title, says, columns, size=(12, 9), sort_by=None, leads=None):
    """One row for each set of labels. columns: {name: (expression, unit, more)}, more = further settings of the field. leads: (label,
    uid), so that a click on the label leads to that dashboard with it chosen."""
    # Grafana calls the value of an only query "Value".
    names = {"Value" if len(columns) == 1 else f"Value #{chr(ord('A') + i)}": name for i, name in enumerate(columns)}
    overrides = [{"matcher": {"id": "byName", "options": name},
                  "properties": [{"id": "unit", "value": unit}, *({"id": key, "value": value} for key, value in more.items())]}
                 for name, (_, unit, more) in columns.items()]
    if leads:
        url = f"/d/{leads[1]}?${{__url_time_range}}&${{cluster:queryparam}}&var-{leads[0]}=${{__value.raw}}"
        overrides.append({"matcher": {"id": "byName", "options": leads[0]},
                          "properties": [{"id": "links", "value": [{"title": f"What this {leads[0]} takes", "url": url}]}]})
    options = {"showHeader": True, "cellHeight": "sm",
                                                 "frameIndex": 0, "sortBy": [{"displayName": sort_by, "desc": False}] if sort_by else []}
    return panel("table",
                 title, says, [column(expression) for expression, _, _ in columns.values()], "short", size, options, overrides=overrides,
                 custom={"align": "auto", "filterable": True, "cellOptions": {"type": "auto"}},
                 transformations=[{"id": "merge", "options": {}},
                                  {"id": "organize",
                                         "options": {"excludeByName": {"Time": True}, "renameByName": names, "indexByName": {}}}])


def scatter(title, says, x, y, of, size=(12, 9)):
    """A point for each set of the labels `of`. x, y: (name, expression, unit), both by these labels."""
    # In Grafana's mapping "auto" a frame's first number is x, the next one y; each point is a frame, named by its labels.
    options = {"mapping": "auto", "series": [], "legend": {"displayMode": "list", "placement": "right", "showLegend": True, "calcs": []},
               "tooltip": {"mode": "single", "sort": "none"}}
    overrides = [{"matcher": {"id": "byRegexp", "options": f"/^Value #{which}/"},
                  "properties": [{"id": "unit", "value": unit}, {"id": "custom.axisLabel", "value": name},
                                 {"id": "displayName", "value": shown}]}
                 for which, (name, _, unit), shown in (("A", x, x[0]), ("B", y, " ".join(f"${{__field.labels.{label}}}" for label in of)))]
    order = {name: i for i, name in enumerate([*of, "Value #A", "Value #B"])}
    return panel("xychart", title, says, [column(x[1]), column(y[1])], x[2], size, options, lowest=0, overrides=overrides,
                 custom={"show": "points", "pointSize": {"fixed": 12}, "axisPlacement": "auto"},
                 transformations=[
                     {"id": "merge", "options": {}},
                     {"id": "organize", "options": {"excludeByName": {"Time": True}, "renameByName": {}, "indexByName": order}},
                     {"id": "partitionByValues", "options": {"fields": list(of), "keepFields": False, "naming": {"asLabels": True}}}])


def meaning(states):
    """A mapping of values to words and colors: [(value, text, color)]."""
    return {"type": "value",
                    "options": {str(value): {"text": text, "color": color, "index": i} for i, (value, text, color) in enumerate(states)}}


# ---- variables

def datasource_variable():
    return {"type": "datasource", "name": "datasource", "label": "Data source", "query": "prometheus", "refresh": 1, "hide": 0,
            "includeAll": False, "multi": False, "options": [], "current": {}, "regex": ""}


def variable(name, label, metric, wide=True):
    """Values of a label of a metric that the variables before it narrow. wide: "All" is .* and not the list of the values."""
    found = f"label_values({expand(metric)}, {name})"
    return {"type": "query", "name": name, "label": label, "datasource": DATASOURCE, "definition": found,
            "query": {"query": found, "refId": "PrometheusVariableQueryEditor-VariableQuery",
                                               "qryType": 1}, "refresh": 2, "sort": 1, "hide": 0,
            "regex": "", "includeAll": True, "multi": True, "options": [], "current": {"text": ["All"], "value": ["$__all"]},
            **({"allValue": ".*"} if wide else {})}


# ---- the dashboard

def row(title):
    return {"type": "row", "title": title, "collapsed": False, "panels": [], "size": (WIDTH, 1)}


def placed(panels):
    """The panels with ids and places: from left to right, in a new line where one does not fit or a row begins."""
    x = y = tallest = 0
    for number, one in enumerate(panels, 1):
        width, height = one["size"]
        if x + width > WIDTH or one["type"] == "row":
            x, y, tallest = 0, y + tallest, 0
        kept = {key: value for key, value in one.items() if key != "size"}
        yield {"id": number, **kept, "gridPos": {"x": x, "y": y, "w": width, "h": height}}
        x, tallest = x + width, max(tallest, height)


def dashboard(uid, title, says, variables, panels):
    builtin = {"builtIn": 1, "datasource": {"type": "grafana", "uid": "-- Grafana --"}, "enable": True, "hide": True,
               "iconColor": "rgba(0, 211, 255, 1)", "name": "Annotations & Alerts", "type": "dashboard"}
    firing = {"datasource": DATASOURCE, "enable": True, "hide": False, "iconColor": "red", "name": "Alerts of Skerry",
              "expr": expand('ALERTS{@cluster, alertname=~"Skerry.*", alertstate="firing"}'), "step": "60s",
                                                                                                      "titleFormat": "{{alertname}}",
              "textFormat": "{{node}} {{site}} {{model}}", "tagKeys": "severity"}
    links = {"type": "dashboards", "title": "Skerry", "tags": ["skerry"], "asDropdown": False, "includeVars": True, "keepTime": True,
             "targetBlank": False, "icon": "external link", "tooltip": "", "url": ""}
    return {"uid": uid, "title": title, "description": says, "tags": ["skerry"], "schemaVersion": SCHEMA_VERSION, "version": 1, "id": None,
            "editable": True, "fiscalYearStartMonth": 0, "graphTooltip": 1, "preload": False, "refresh": "30s", "timezone": "browser",
            "weekStart": "", "time": {"from": "now-1h", "to": "now"}, "timepicker": {}, "annotations": {"list": [builtin, firing]},
            "links": [links], "templating": {"list": [datasource_variable(), *variables]}, "panels": list(placed(panels))}
