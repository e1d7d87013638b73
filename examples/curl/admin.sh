#!/usr/bin/env bash
# An administrator's day with curl: change a prompt, test it, roll it back, look at people, usage and the audit log.
#
#   npm run user:role -- you@example.com admin
#   examples/curl/chat.sh signs in, as do the commands that `npm start` prints
#   SWITCHBOARD_TOKEN=<access token of an administrator> examples/curl/admin.sh
set -euo pipefail
url=${SWITCHBOARD_URL:-http://127.0.0.1:3000}
token=${SWITCHBOARD_TOKEN:?set SWITCHBOARD_TOKEN to the access token of an administrator}
key=${SWITCHBOARD_CONFIG:-chat_agent_google}
api() { curl -sS --fail-with-body -H "Authorization: Bearer $token" -H 'content-type: application/json' "$@"; }

echo '# The configuration of an agent, and its version'
api "$url/api/admin/config/$key"
version=$(api "$url/api/admin/config/$key" | sed -n 's/.*"version":\([0-9]*\).*/\1/p')

echo; echo '# Change its prompt. If-Match refuses to overwrite a change of somebody else'
api -X PATCH "$url/api/admin/config/$key" -H "If-Match: \"$version\"" -d '{"configData":{"systemPrompt":"Answer in rhymes."}}'

echo; echo '# Its versions, and back to the earlier one'
api "$url/api/admin/config/$key/history?limit=2"
echo
api -X POST "$url/api/admin/config/$key/rollback" -d "{\"version\":$version}"

echo; echo '# People, usage of all, and who changed what'
api "$url/api/admin/users?limit=5"
echo
api "$url/api/admin/usage/summary?tz=Europe/Berlin&top=3"
echo
api "$url/api/admin/audit?limit=3"
echo
