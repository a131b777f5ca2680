{{/* _tiers.tpl: the agents' DaemonSets as values. A tier is what `agents.defaults` says, with what it says itself over it. */}}

{{- define "skerry.tiers" -}}
{{- $tiers := dict -}}
{{- if .Values.agents.enabled -}}
{{- range $name, $own := .Values.agents.tiers -}}
{{- $tier := mergeOverwrite (deepCopy $.Values.agents.defaults) (deepCopy ($own | default dict)) -}}
{{- if $tier.enabled }}{{ $_ := set $tiers $name (include "skerry.withoutNulls" $tier | fromYaml) }}{{ end -}}
{{- end -}}
{{- end -}}
{{- toYaml $tiers -}}
{{- end -}}

{{/* A map without the keys whose value is null, at any depth: so a tier takes back what the defaults say. */}}
{{- define "skerry.withoutNulls" -}}
{{- $kept := dict -}}
{{- range $key, $value := . -}}
{{- if kindIs "map" $value -}}
{{- $_ := set $kept $key (include "skerry.withoutNulls" $value | fromYaml) -}}
{{- else if not (kindIs "invalid" $value) -}}
{{- $_ := set $kept $key $value -}}
{{- end -}}
{{- end -}}
{{- toYaml $kept -}}
{{- end -}}

{{/* agent.yaml. Takes {root, name, tier}. */}}
{{- define "skerry.agentConfig" -}}
{{- $made := dict "apiVersion" "skerry/v1" "kind" "AgentConfig" "state_dir" "/var/lib/skerry/agent" "tier" .tier.tier -}}
{{- with .tier.site }}{{ $_ := set $made "site" . }}{{ end -}}
{{- if .tier.slim }}{{ $_ := set $made "engines" (list "noop") }}{{ end -}}
{{- $_ := set $made "join" (dict "url" (include "skerry.apiUrl" .root) "key_file" "/etc/skerry/join/key" "ca_file" "/etc/skerry/trust/ca.crt") -}}
{{- $_ := set $made "log" (dict "format" "json") -}}
{{- if .tier.localApi.enabled -}}
{{- $tls := dict "certificate_file" "/etc/skerry/local/tls.crt" "key_file" "/etc/skerry/local/tls.key" -}}
{{- $_ := set $made "local_api" (dict "listen" (printf "%s:%d" .root.Values.controller.listen (int .tier.localApi.port)) "tls" $tls) -}}
{{- end -}}
{{- toYaml (mergeOverwrite $made (deepCopy .tier.settings)) -}}
{{- end -}}

{{/* Variables of an agent: what only its pod knows. An empty variable counts as not set. */}}
{{- define "skerry.agentEnv" -}}
- name: NODE_NAME
  valueFrom: {fieldRef: {fieldPath: spec.nodeName}}
- name: SKERRY_AGENT_NAME
  value: {{ printf "%s$(NODE_NAME)" .root.Values.agents.namePrefix | quote }}
{{- $labels := deepCopy .tier.labels -}}
{{- range $index, $label := keys .tier.labelsFrom | sortAlpha }}
- name: NODE_LABEL_{{ $index }}
  valueFrom: {fieldRef: {fieldPath: {{ printf "metadata.labels['%s']" (index $.tier.labelsFrom $label) | quote }}}}
{{- $_ := set $labels $label (printf "$(NODE_LABEL_%d)" $index) }}
{{- end }}
- name: SKERRY_AGENT_LABELS
  value: {{ toJson $labels | toJson }}
{{- with .tier.siteFrom }}
- name: SKERRY_AGENT_SITE
  valueFrom: {fieldRef: {fieldPath: {{ printf "metadata.labels['%s']" . | quote }}}}
{{- end }}
{{- with .tier.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}
