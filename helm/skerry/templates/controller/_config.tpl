{{/* _config.tpl: controller.yaml, and the files that it names. The values make it; `controller.settings` goes over it. */}}

{{- define "skerry.controllerNames" -}}
{{- $name := include "skerry.fullname" . -}}
{{- $host := include "skerry.apiHost" . -}}
{{- $names := list $name (printf "%s.%s" $name .Release.Namespace) $host (printf "%s.%s" $host .Values.clusterDomain) -}}
{{- $names = concat $names .Values.controller.names -}}
{{- if .Values.ingress.enabled }}{{ $names = concat $names .Values.ingress.hosts }}{{ end -}}
{{- if .Values.gateway.api.enabled }}{{ $names = concat $names .Values.gateway.api.hostnames }}{{ end -}}
{{- toYaml ($names | uniq) -}}
{{- end -}}

{{- define "skerry.controllerConfig" -}}
{{- $values := .Values.controller -}}
{{- $made := dict "apiVersion" "skerry/v1" "kind" "ControllerConfig" "data_dir" "/var/lib/skerry/controller" -}}
{{- $_ := set $made "api_listen" (printf "%s:8443" $values.listen) -}}
{{- $_ := set $made "agent_listen" (printf "%s:%d" $values.listen (int $values.service.agentsPort)) -}}
{{- $_ := set $made "authority" (dict "key_file" "/etc/skerry/authority/tls.key" "chain_file" "/etc/skerry/authority/tls.crt") -}}
{{- if $values.tls.existingSecret -}}
{{- $_ := set $made "api_tls" (dict "certificate_file" "/etc/skerry/api/tls.crt" "key_file" "/etc/skerry/api/tls.key") -}}
{{- else -}}
{{- $_ := set $made "api_tls" (dict "built_in" true "names" (include "skerry.controllerNames" . | fromYamlArray)) -}}
{{- end -}}
{{- with $values.apiUrl }}{{ $_ := set $made "api_url" . }}{{ end -}}
{{- with $values.agentAddress }}{{ $_ := set $made "agent_address" . }}{{ end -}}
{{- if .Values.ingress.enabled }}{{ $_ := set $made "api_connections_per_address" 0 }}{{ end -}}
{{- $_ := set $made "token_files" (include "skerry.tokenFiles" . | fromYamlArray) -}}
{{- $_ := set $made "join_keys" (include "skerry.joinKeys" . | fromYamlArray) -}}
{{- $_ := set $made "log" (dict "format" "json") -}}
{{- include "skerry.withoutNulls" (mergeOverwrite $made (deepCopy $values.settings)) -}}
{{- end -}}

{{- define "skerry.tokenFiles" -}}
- {name: admin, file: /etc/skerry/tokens/admin, role: cluster-admin}
- {name: prometheus, file: /etc/skerry/tokens/metrics, role: metrics}
{{- if .Values.tests.enabled }}
- {name: helm-test, file: /etc/skerry/tokens/test, role: namespace-admin, namespaces: [{{ .Values.tests.namespace }}]}
{{- end }}
{{- range .Values.tokens.extra }}
- {{ omit . "existingSecret" "key" | merge (dict "file" (printf "/etc/skerry/tokens/extra-%s" .name)) | toJson }}
{{- end }}
{{- end -}}

{{- define "skerry.joinKeys" -}}
{{- $own := dict "name" "kubernetes" "file" "/etc/skerry/join/kubernetes" "nodes" (printf "%s*" .Values.agents.namePrefix) "replace" .Values.join.replace -}}
{{- with .Values.join.site }}{{ $_ := set $own "site" . }}{{ end -}}
{{- with .Values.join.labels }}{{ $_ := set $own "labels" . }}{{ end -}}
- {{ toJson $own }}
{{- range .Values.join.extraKeys }}
- {{ omit . "existingSecret" "key" | merge (dict "file" (printf "/etc/skerry/join/extra-%s" .name)) | toJson }}
{{- end }}
{{- end -}}

{{/* Sources of the projected volume at /etc/skerry. */}}
{{- define "skerry.controllerFiles" -}}
{{- $root := . -}}
- configMap:
    name: {{ include "skerry.fullname" . }}-controller
    items: [{key: controller.yaml, path: controller.yaml}]
- secret:
    name: {{ include "skerry.authoritySecret" . }}
    items: [{key: tls.crt, path: authority/tls.crt}, {key: tls.key, path: authority/tls.key}]
{{- with .Values.controller.tls.existingSecret }}
- secret:
    name: {{ . }}
    items: [{key: tls.crt, path: api/tls.crt}, {key: tls.key, path: api/tls.key}]
{{- end }}
{{- range $token := include "skerry.tokens" . | fromYamlArray }}
- secret:
    name: {{ include "skerry.tokenSecret" (dict "root" $root "token" $token) }}
    items: [{key: {{ (index $root.Values.tokens $token).key }}, path: tokens/{{ $token }}}]
{{- end }}
{{- range .Values.tokens.extra }}
- secret:
    name: {{ .existingSecret }}
    items: [{key: {{ .key | default "token" }}, path: tokens/extra-{{ .name }}}]
{{- end }}
- secret:
    name: {{ include "skerry.joinSecret" . }}
    items: [{key: {{ .Values.join.key }}, path: join/kubernetes}]
{{- range .Values.join.extraKeys }}
- secret:
    name: {{ .existingSecret }}
    items: [{key: {{ .key | default "key" }}, path: join/extra-{{ .name }}}]
{{- end }}
{{- end -}}
