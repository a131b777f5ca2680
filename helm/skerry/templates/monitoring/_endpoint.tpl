{{/* _endpoint.tpl: how Prometheus' operator scrapes the controller, whether it finds it by its Service or its pod. Takes {root, values}. */}}
{{- define "skerry.endpoint" -}}
{{- $root := .root -}}
{{- $trust := dict "key" (include "skerry.trustKey" $root) "name" ($root.Values.trust.existingSecret | default (include "skerry.trustConfigMap" $root)) -}}
port: api
path: /metrics
scheme: https
interval: {{ .values.interval }}
scrapeTimeout: {{ .values.scrapeTimeout }}
honorLabels: true # `namespace` is Skerry's
tlsConfig:
  serverName: {{ include "skerry.apiHost" $root }}
  ca: {{ dict (empty $root.Values.trust.existingSecret | ternary "configMap" "secret") $trust | toJson }}
authorization:
  type: Bearer
  credentials: {name: {{ include "skerry.tokenSecret" (dict "root" $root "token" "metrics") }}, key: {{ $root.Values.tokens.metrics.key }}}
{{- $relabelings := .values.relabelings -}}
{{- with $root.Values.cluster }}{{ $relabelings = prepend $relabelings (dict "targetLabel" "cluster" "replacement" .) }}{{ end -}}
{{- with $relabelings }}
relabelings:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.metricRelabelings }}
metricRelabelings:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
