#!/bin/sh
# Starts Envoy in a container: envoy.yaml with what the environment says in place of each value whose line ends in the
# comment `# GATEWAY_...`, and with the lines that begin with `#?GATEWAY_...` where that is set. Envoy itself has no variables
# in its configuration. Mounted beside envoy.yaml; needs nothing but sed, and a /tmp to write to. With `--print` it only prints
# the configuration; an option for Envoy begins otherwise.
set -eu

here=$(dirname "$0")
script=''
while read -r name; do
  eval "value=\${$name-}"
  [ -n "$value" ] || continue
  # As text for YAML, and then for sed.
  value=$(printf '%s' "$value" | sed "s/'/''/g; s/[\\\\&|]/\\\\&/g")
  script="$script
s|^( *)#[?]$name |\\1|
s|^([^:]*: ).* # $name\$|\\1'$value'|"
done <<END
$(sed -nE 's/.* # (GATEWAY_[A-Z_]+)$/\1/p' "$here/envoy.yaml")
END
if [ "${1-}" = --print ]; then
  exec sed -E "$script" "$here/envoy.yaml"
fi
sed -E "$script" "$here/envoy.yaml" >/tmp/envoy.yaml
exec envoy --config-path /tmp/envoy.yaml "$@"
