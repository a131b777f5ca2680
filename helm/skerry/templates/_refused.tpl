{{/* _refused.tpl: values that contradict each other, with a sentence that says what to do. What the schema cannot say. */}}

{{- define "skerry.refuse" -}}
{{- if not .Values.controller.enabled }}
{{- if not .Values.agents.enabled }}{{ fail "controller.enabled and agents.enabled are both false: nothing is left to install" }}{{ end }}
{{- if not .Values.externalController.url }}{{ fail "externalController.url must say where the controller is that the agents join, since controller.enabled is false" }}{{ end }}
{{- if not .Values.join.existingSecret }}{{ fail "join.existingSecret must name a Secret with a key that the controller knows, since controller.enabled is false" }}{{ end }}
{{- if include "skerry.ownTrust" . }}{{ fail "trust.existingConfigMap or trust.existingSecret must name the authorities of the controller's API, since controller.enabled is false" }}{{ end }}
{{- end }}
{{- if and .Values.trust.existingConfigMap .Values.trust.existingSecret }}{{ fail "trust.existingConfigMap and trust.existingSecret are both set: which one?" }}{{ end }}
{{- if and .Values.controller.enabled (include "skerry.ownTrust" .) }}
{{- if .Values.authority.existingSecret }}{{ fail "authority.existingSecret needs trust.existingConfigMap or trust.existingSecret: the certificates without the key, by which agents know the API" }}{{ end }}
{{- if .Values.controller.tls.existingSecret }}{{ fail "controller.tls.existingSecret needs trust.existingConfigMap or trust.existingSecret: the certificates by which agents know the API" }}{{ end }}
{{- end }}
{{- range $where, $settings := include "skerry.allSettings" . | fromYaml }}
{{- range $key, $wrong := dict "insecure_dev" true "allow_anonymous" true "agent_tls" false }}
{{- if and (hasKey $settings $key) (eq (index $settings $key | toString) ($wrong | toString)) }}{{ fail (printf "%s.%s: %v is refused: nothing runs in plain text, and nobody without a name" $where $key $wrong) }}{{ end }}
{{- end }}
{{- end }}
{{- range $where, $settings := include "skerry.allSettings" . | fromYaml }}
{{- range $key, $instead := hasPrefix "controller" $where | ternary (include "skerry.controllersOwn" $ | fromYaml) (include "skerry.agentsOwn" $ | fromYaml) }}
{{- if hasKey $settings $key }}{{ fail (printf "%s.%s is refused: the chart sets it; use %s" $where $key $instead) }}{{ end }}
{{- end }}
{{- end }}
{{- range $variable := include "skerry.allVariables" . | fromYamlArray }}
{{- if regexMatch "^SKERRY_(CONTROLLER|AGENT)_(.*_)?(INSECURE_DEV|ALLOW_ANONYMOUS|AGENT_TLS)$" $variable }}{{ fail (printf "extraEnv: %s is refused: nothing runs in plain text, and nobody without a name" $variable) }}{{ end }}
{{- end }}
{{- if and .Values.serviceMonitor.enabled .Values.podMonitor.enabled }}{{ fail "serviceMonitor.enabled and podMonitor.enabled: everything would be counted twice; one of them" }}{{ end }}
{{- if .Values.ingress.enabled }}
{{- if not .Values.ingress.hosts }}{{ fail "ingress.hosts must name at least one host" }}{{ end }}
{{- $covered := list }}
{{- range .Values.ingress.tls }}{{ $covered = concat $covered .hosts }}{{ end }}
{{- range .Values.ingress.hosts }}{{ if not (has . $covered) }}{{ fail (printf "ingress.tls has no certificate for the host %s: nothing runs in plain text" .) }}{{ end }}{{ end }}
{{- end }}
{{- range $name, $route := pick .Values.gateway "api" "agents" }}
{{- if and $route.enabled (not (and $route.parentRefs $route.hostnames)) }}{{ fail (printf "gateway.%s needs parentRefs and hostnames" $name) }}{{ end }}
{{- end }}
{{- range $name, $tier := include "skerry.tiers" . | fromYaml }}
{{- if not (regexMatch "^[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?$" $name) }}{{ fail (printf "agents.tiers.%s: the name of a tier has at most 20 characters of a-z, 0-9 and -" $name) }}{{ end }}
{{- if and $tier.localApi.enabled (not $tier.localApi.existingSecret) }}{{ fail (printf "agents.tiers.%s.localApi.existingSecret must name a Secret with tls.crt and tls.key: nothing runs in plain text" $name) }}{{ end }}
{{- end }}
{{- end -}}

{{/* Settings by where they stand, those of sections included that have a say of their own. */}}
{{- define "skerry.allSettings" -}}
{{- $all := dict -}}
{{- if .Values.controller.enabled }}{{ $_ := set $all "controller.settings" .Values.controller.settings }}{{ end -}}
{{- range $name, $tier := include "skerry.tiers" . | fromYaml }}
{{- $_ := set $all (printf "agents.tiers.%s.settings" $name) $tier.settings }}
{{- $_ := set $all (printf "agents.tiers.%s.settings.local_api" $name) ($tier.settings.local_api | default dict) }}
{{- end -}}
{{- toYaml $all -}}
{{- end -}}

{{- define "skerry.allVariables" -}}
{{- $all := list -}}
{{- range .Values.controller.extraEnv }}{{ $all = append $all .name }}{{ end -}}
{{- range $name, $tier := include "skerry.tiers" . | fromYaml }}{{ range $tier.extraEnv }}{{ $all = append $all .name }}{{ end }}{{ end -}}
{{- toYaml $all -}}
{{- end -}}

{{/* Settings that the rest of the chart leans on (ports, mounts, probes), and the values that change them. */}}
{{- define "skerry.controllersOwn" -}}
data_dir: controller.persistence
api_listen: controller.listen and controller.service
agent_listen: controller.listen and controller.service
api_tls: controller.tls and controller.names
authority: authority.existingSecret
token_files: tokens
join_keys: join
agent_address: controller.agentAddress
api_url: controller.apiUrl
{{- end -}}

{{- define "skerry.agentsOwn" -}}
name: agents.namePrefix
state_dir: state.hostPath
join: join and trust
tier: tier
site: site and siteFrom
labels: labels and labelsFrom
listen: localApi.port
tls: join, or localApi.existingSecret
{{- end -}}
