{{/* _names.tpl: names and labels. What selects pods is here alone: it must never change, since Kubernetes forbids it. */}}

{{- define "skerry.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "skerry.fullname" -}}
{{- $name := include "skerry.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Of every pod of the release, whatever it is. */}}
{{- define "skerry.selector" -}}
app.kubernetes.io/name: {{ include "skerry.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* Takes {root, component}. */}}
{{- define "skerry.componentSelector" -}}
{{ include "skerry.selector" .root }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{/* Takes {root, component}; the component may be empty. */}}
{{- define "skerry.labels" -}}
{{- with .root.Values.commonLabels }}
{{- toYaml . }}
{{ end -}}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/part-of: skerry
{{ include "skerry.selector" .root }}
{{- with .component }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end -}}

{{/* The labels of a component's pods: without versions, so that an upgrade which changes nothing else restarts nothing. Takes {root, component, labels}. */}}
{{- define "skerry.podLabels" -}}
{{- $own := include "skerry.componentSelector" . | fromYaml -}}
{{- toYaml (merge $own (dict "app.kubernetes.io/part-of" "skerry") (.labels | default dict) .root.Values.commonLabels) -}}
{{- end -}}

{{/* The metadata of an object. Takes {root, name, component, labels, annotations}; the last three may be left out. */}}
{{- define "skerry.metadata" -}}
name: {{ .name }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- merge (include "skerry.labels" . | fromYaml) (.labels | default dict) | toYaml | nindent 2 }}
{{- with merge (dict) (.annotations | default dict) .root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* The name of an account. Takes {root, values, component}. */}}
{{- define "skerry.accountName" -}}
{{- if .values.serviceAccount.create -}}
{{- .values.serviceAccount.name | default (printf "%s-%s" (include "skerry.fullname" .root) .component) -}}
{{- else -}}
{{- .values.serviceAccount.name | default "default" -}}
{{- end -}}
{{- end -}}

{{/* Takes {root, repository, tag, digest}. */}}
{{- define "skerry.image" -}}
{{- $name := .repository -}}
{{- with .root.Values.image.registry }}{{ $name = printf "%s/%s" . $name }}{{ end -}}
{{- if .digest -}}
{{- printf "%s@%s" $name .digest -}}
{{- else -}}
{{- printf "%s:%s" $name (.tag | default .root.Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{- define "skerry.priorityClassName" -}}
{{- .Values.priorityClass.name | default (printf "%s-%s" .Release.Namespace (include "skerry.fullname" .)) -}}
{{- end -}}

{{/* Where the API is for what runs in the cluster. */}}
{{- define "skerry.apiHost" -}}
{{- printf "%s.%s.svc" (include "skerry.fullname" .) .Release.Namespace -}}
{{- end -}}

{{- define "skerry.apiUrl" -}}
{{- if .Values.controller.enabled -}}
{{- printf "https://%s:%d" (include "skerry.apiHost" .) (int .Values.controller.service.apiPort) -}}
{{- else -}}
{{- .Values.externalController.url -}}
{{- end -}}
{{- end -}}
