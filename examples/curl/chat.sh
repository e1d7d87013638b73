#!/usr/bin/env bash
# A person's day with curl: sign up, stream an answer, read it, see its cost.
#
#   SWITCHBOARD_KEY=sb_publishable_… examples/curl/chat.sh
set -euo pipefail
url=${SWITCHBOARD_URL:-http://127.0.0.1:3000}
key=${SWITCHBOARD_KEY:?set SWITCHBOARD_KEY to the publishable key}
email=${SWITCHBOARD_EMAIL:-curl-example@example.com}
password=${SWITCHBOARD_PASSWORD:-correct-horse-battery}

# Prints the string of a field of a JSON answer. Use jq if you have it.
field() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }

sign() {
  curl -sS "$url/auth/v1/$1" -H "apikey: $key" -H 'content-type: application/json' \
    -d "{\"email\":\"$email\",\"password\":\"$password\"}" | field access_token
}
token=$(sign 'token?grant_type=password')
[ -n "$token" ] || token=$(sign signup)
[ -n "$token" ] || { echo 'There is no session.' >&2; exit 1; }

# --fail-with-body: a refusal ends the script, and its problem document says why.
api() { curl -sS --fail-with-body -H "Authorization: Bearer $token" -H 'content-type: application/json' "$@"; }

echo '# Who am I?'
api "$url/api/me"

echo; echo '# An answer, as it is written'
chat=curl-$(date +%s)
api -N "$url/api/chat" \
  -d "{\"id\":\"$chat\",\"message\":{\"id\":\"m1\",\"role\":\"user\",\"parts\":[{\"type\":\"text\",\"text\":\"Hello!\"}]}}"

echo '# The stored messages'
api "$url/api/chats/$chat/messages"

echo; echo '# The chat as Markdown'
api "$url/api/chats/$chat/export?format=markdown"

echo; echo '# What it cost, and what is left'
api "$url/api/usage/summary?tz=Europe/Berlin"
echo
api "$url/api/rate-limits"

echo; echo '# Delete the chat'
api -X DELETE -o /dev/null -w '%{http_code}\n' "$url/api/chats/$chat"
