{{/* _affinity.tpl: a node has one agent, even if the tiers' nodeSelectors overlap: two would fight for the node's name. */}}
{{- define "skerry.agentAffinity" -}}
{{- $others := dict "labelSelector" (dict "matchLabels" (include "skerry.componentSelector" (dict "root" .root "component" "agent") | fromYaml)) "topologyKey" "kubernetes.io/hostname" -}}
{{- $affinity := deepCopy .tier.affinity -}}
{{- $anti := $affinity.podAntiAffinity | default dict -}}
{{- $required := append ($anti.requiredDuringSchedulingIgnoredDuringExecution | default list) $others -}}
{{- $_ := set $anti "requiredDuringSchedulingIgnoredDuringExecution" $required -}}
{{- $_ := set $affinity "podAntiAffinity" $anti -}}
{{- toYaml $affinity -}}
{{- end -}}
