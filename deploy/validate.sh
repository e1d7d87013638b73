#!/usr/bin/env bash
# Checks the files of this folder with the tools that they are for. It says which tools are missing, and leaves out their checks.
set -euo pipefail
cd "$(dirname "$0")/.."

COMPOSE_GO=github.com/compose-spec/compose-go/v2/cmd@v2.8.1
KUBERNETES_VALIDATE=kubernetes-validate==1.37.0
# The oldest and the newest supported version.
KUBERNETES_VERSIONS=(1.32 1.37)

left_out=()
has() { command -v "$1" >/dev/null; }

# Both are Debian packages.
if [ "$(id -u)" = 0 ] && has apt-get && ! (has nginx && has promtool); then
  timeout 180 apt-get install -y --no-install-recommends nginx-light prometheus >/dev/null 2>&1 || true
fi

if has nginx; then
  folder=$(mktemp -d)
  echo "pid $folder/pid; error_log stderr; events {} http { include $PWD/deploy/compose/nginx.conf; }" >"$folder/nginx.conf"
  checked=$(nginx -t -q -e stderr -c "$folder/nginx.conf" 2>&1) || { echo "$checked"; exit 1; }
  rm -r "$folder"
  echo 'deploy/compose/nginx.conf is valid'
else left_out+=('nginx'); fi

if has promtool; then
  for file in deploy/prometheus/*.yml; do
    case $file in
      *rules*) promtool check rules "$file" >/dev/null ;;
      *) promtool check config --syntax-only "$file" >/dev/null ;;
    esac
    echo "$file is valid"
  done
else left_out+=('promtool'); fi

if has docker && docker compose version >/dev/null 2>&1; then
  compose() { docker compose "${@/#/--file=}" config --quiet; }
elif has go; then
  compose() { GOFLAGS=-mod=mod go run "$COMPOSE_GO" -no-interpolation "$@" >/dev/null; }
fi
if declare -F compose >/dev/null; then
  export POSTGRES_PASSWORD=validated JWT_SECRET=validated-validated-validated-validated
  compose docker-compose.yml
  compose docker-compose.yml deploy/compose/instances.yml
  echo 'docker-compose.yml and deploy/compose/instances.yml are valid'
else left_out+=('docker compose, or go for its loader'); fi

if has python3; then
  environment=node_modules/.cache/kubernetes-validate
  if [ -x "$environment/bin/kubernetes-validate" ] ||
    { python3 -m venv "$environment" && timeout 300 "$environment/bin/pip" install --quiet "$KUBERNETES_VALIDATE"; }; then
    for version in "${KUBERNETES_VERSIONS[@]}"; do
      "$environment/bin/kubernetes-validate" --strict --quiet -k "$version" \
        $(ls deploy/kubernetes/*.yaml | grep -v -e kustomization -e prometheus-adapter)
      echo "deploy/kubernetes is valid for Kubernetes $version"
    done
  else left_out+=("$KUBERNETES_VALIDATE"); fi
else left_out+=('python3'); fi

for tool in "${left_out[@]}"; do echo "left out, because it is missing: $tool"; done
