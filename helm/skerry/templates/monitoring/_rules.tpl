{{/* _rules.tpl: the groups of rules/skerry-alerts.yaml as the values change them. Without the file there are only extraGroups. */}}
{{- define "skerry.ruleGroups" -}}
{{- $values := .Values.prometheusRule -}}
{{- $groups := list -}}
{{- $alerts := list -}}
{{- range (.Files.Get "rules/skerry-alerts.yaml" | fromYaml).groups -}}
{{- $rules := list -}}
{{- range .rules -}}
{{- $name := .alert | default "" -}}
{{- $alerts = append $alerts $name -}}
{{- if not (and $name (index $values.disabled $name)) -}}
{{- $rule := mergeOverwrite (deepCopy .) (deepCopy (index $values.overrides $name | default dict)) -}}
{{- if and $name $values.alertLabels }}{{ $_ := set $rule "labels" (merge (dict) $values.alertLabels ($rule.labels | default dict)) }}{{ end -}}
{{- $rules = append $rules $rule -}}
{{- end -}}
{{- end -}}
{{- if $rules }}{{ $groups = append $groups (merge (dict "rules" $rules) .) }}{{ end -}}
{{- end -}}
{{- range $where, $given := pick $values "disabled" "overrides" -}}
{{- range $name, $ignored := $given -}}
{{- if not (has $name $alerts) }}{{ fail (printf "prometheusRule.%s.%s: there is no such alert; there are %s" $where $name (without ($alerts | uniq) "" | sortAlpha | join ", ")) }}{{ end -}}
{{- end -}}
{{- end -}}
{{- toYaml (concat $groups $values.extraGroups) -}}
{{- end -}}
