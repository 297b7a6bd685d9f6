#!/bin/sh
# Makes the secrets that compose.yaml hands to its containers, each in a file of its own: `sh deploy/make-secrets.sh`. What is there stays.
# To change one, delete its file, run this again, and `docker compose up --detach --force-recreate`; docs/security.md says which need more.
set -eu
umask 077
folder=${1:-secrets}
mkdir -p "$folder"
# Compose mounts a file with the owner and the mode that it has here, and each container runs under a user of its own: hence files that all of
# them may read, in a folder that nobody else may enter.
chmod 700 "$folder"

random() {
  openssl rand -hex 24
}

# Writes what a command prints to the file of a secret, unless it is there.
put() {
  place=$folder/$1
  shift
  if [ ! -e "$place" ]; then
    "$@" >"$place.new"
    chmod 444 "$place.new"
    mv "$place.new" "$place"
    echo "made $place"
  fi
}

store() {
  echo "mongodb://quillwork:$(random)@mongodb:27017/quillwork?replicaSet=quillwork"
}

broker() {
  echo "amqp://$1:$(random)@rabbitmq:5672/quillwork"
}

put token openssl rand -hex 32
put store store
for account in deploy api worker maintenance; do
  put "broker-$account" broker "$account"
done
put broker-secret openssl rand -hex 32
# Encrypts the keys of models that are set up while the server runs.
put secret openssl rand -hex 32
put mongodb-admin random
put mongodb-key openssl rand -base64 512
