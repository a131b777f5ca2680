{{/* _secrets.tpl: which Secret holds what, whether the chart makes it or it is there. */}}

{{- define "skerry.authoritySecret" -}}
{{- .Values.authority.existingSecret | default (printf "%s-authority" (include "skerry.fullname" .)) -}}
{{- end -}}

{{- define "skerry.joinSecret" -}}
{{- .Values.join.existingSecret | default (printf "%s-join" (include "skerry.fullname" .)) -}}
{{- end -}}

{{/* Tokens that there are: the test's only if there is a test. */}}
{{- define "skerry.tokens" -}}
{{- toYaml (.Values.tests.enabled | ternary (list "admin" "metrics" "test") (list "admin" "metrics")) -}}
{{- end -}}

{{/* Takes {root, token}: admin, metrics, test. */}}
{{- define "skerry.tokenSecret" -}}
{{- (index .root.Values.tokens .token).existingSecret | default (printf "%s-%s-token" (include "skerry.fullname" .root) .token) -}}
{{- end -}}

{{/* Whether those who call the API know it by the chart's own ConfigMap. */}}
{{- define "skerry.ownTrust" -}}
{{- if not (or .Values.trust.existingConfigMap .Values.trust.existingSecret) }}true{{ end -}}
{{- end -}}

{{- define "skerry.trustConfigMap" -}}
{{- .Values.trust.existingConfigMap | default (printf "%s-ca" (include "skerry.fullname" .)) -}}
{{- end -}}

{{/* The source of a projected volume that puts the API's authorities at trust/ca.crt. */}}
{{- define "skerry.trustSource" -}}
{{- $items := list (dict "key" (include "skerry.trustKey" .) "path" "trust/ca.crt") -}}
{{- if .Values.trust.existingSecret -}}
secret:
  name: {{ .Values.trust.existingSecret }}
{{- else -}}
configMap:
  name: {{ include "skerry.trustConfigMap" . }}
{{- end }}
  items: {{ toJson $items }}
{{- end -}}

{{- define "skerry.trustKey" -}}
{{- if include "skerry.ownTrust" . }}ca.crt{{ else }}{{ .Values.trust.key }}{{ end -}}
{{- end -}}
