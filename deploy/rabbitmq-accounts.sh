#!/bin/sh
# Writes the configuration of the container of RabbitMQ, then becomes the command that it is given. RabbitMQ reads its accounts from it at each
# start, so that a changed secret takes effect. Each role has the rights that it needs, as docs/operations.md lists them; nobody is an
# administrator, and the account `guest` is never made.
set -eu
umask 077
secrets=${SECRETS:-/run/secrets}
folder=${SETTINGS:-/tmp}
users=
permissions=

# Adds an account: its name, then what it may configure, write and read. Its password is in the address that its processes use.
account() {
  password=$(sed -n 's|^amqps*://[^:@/]*:\([^@/]*\)@.*|\1|p' "$secrets/broker-$1" || true)
  if [ -z "$password" ]; then
    echo "There is no password in $secrets/broker-$1. Make it with deploy/make-secrets.sh." >&2
    exit 1
  fi
  users="$users${users:+,}{\"name\":\"$1\",\"password\":\"$password\",\"tags\":[]}"
  rights=$(printf '"configure":"%s","write":"%s","read":"%s"' "$2" "$3" "$4" | sed 's|\\|\\\\|g')
  permissions="$permissions${permissions:+,}{\"user\":\"$1\",\"vhost\":\"quillwork\",$rights}"
}

account deploy '^tasks\.' '^tasks\.' '^tasks\.'
account api '^(tasks\.|amq\.gen-)' '^(tasks\.|amq\.gen-)' '^(tasks\.(.*\.)?exchange|amq\.gen-.*)$'
account worker '^(tasks\.|amq\.gen-)' '^(tasks\.|amq\.gen-)' '^(tasks\.(.*\.)?exchange|tasks\.((batch|bulk|webhooks)\.)?queue|amq\.gen-.*)$'
account maintenance '^(tasks\.|amq\.gen-)' '^(tasks\.|amq\.gen-)' '^(tasks\.(.*\.)?exchange|tasks\.dlq\.queue|amq\.gen-.*)$'

printf '{"vhosts":[{"name":"quillwork"}],"users":[%s],"permissions":[%s]}\n' "$users" "$permissions" >"$folder/definitions.json"
echo "load_definitions = $folder/definitions.json" >"$folder/rabbitmq.conf"
echo '[].' >"$folder/enabled_plugins"
exec "$@"
