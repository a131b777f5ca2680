{{/* _pods.tpl: what all pods have. The restricted pod security standard is here. */}}

{{- define "skerry.podSecurity" -}}
{{- $standard := dict "runAsNonRoot" true "runAsUser" 10001 "runAsGroup" 10001 "fsGroup" 10001 "fsGroupChangePolicy" "OnRootMismatch" "seccompProfile" (dict "type" "RuntimeDefault") -}}
{{- toYaml (mergeOverwrite $standard (deepCopy (. | default dict))) -}}
{{- end -}}

{{- define "skerry.containerSecurity" -}}
{{- $standard := dict "allowPrivilegeEscalation" false "readOnlyRootFilesystem" true "privileged" false "capabilities" (dict "drop" (list "ALL")) -}}
{{- toYaml (mergeOverwrite $standard (deepCopy (. | default dict))) -}}
{{- end -}}

{{/* Takes {root, values}: where a pod may run, and as what. */}}
{{- define "skerry.scheduling" -}}
{{- $class := .values.priorityClassName -}}
{{- if and (not $class) .root.Values.priorityClass.create }}{{ $class = include "skerry.priorityClassName" .root }}{{ end -}}
{{- with $class }}
priorityClassName: {{ . }}
{{- end }}
{{- with .values.runtimeClassName }}
runtimeClassName: {{ . }}
{{- end }}
{{- with .values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
