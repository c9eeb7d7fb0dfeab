#!/usr/bin/env bash
# Plants at a running pair what `upgrade/dump.rs` looks for, and writes what was planted to FILE.
#
#     tests/e2e/upgrade/plant.sh STEP STATE FILE     for example: step_0015 .keyway test-only.planted
#
# Needs grpcurl. The pair is one that the launcher of the build in question started with --state STATE,
# with the simulator for every provider.
set -euo pipefail
step=${1:?the step} state=${2:?the state folder} planted=${3:?the file to write}
. "$state/keyway.env"

call() { # TOKEN_VARIABLE ADDRESS SERVICE/METHOD, and the request on standard input
    grpcurl -plaintext -expand-headers -H "authorization: Bearer \${$1}" -d @ "$2" "keyway.$3"
}
field() { sed -n "s/^ *\"$1\": \"\(.*\)\",\{0,1\}$/\1/p" | head -n 1; }
vault() { call "$1" "$KEYWAY_VAULT" "vault.v1.$2"; }
chat() { # the rest of the request
    call TOKEN "$KEYWAY_ROUTER" router.v1.ExecutionService/Chat <<<"{\"max_output_tokens\": 32, \"messages\": [{\"role\": \"CHAT_ROLE_USER\", \"parts\": [{\"text\": \"of before\"}]}], $1}"
}

: >"$planted"
for id in north south; do
    workspace="workspaces/$id"
    vault KEYWAY_OPERATOR_TOKEN WorkspaceService/Create >&2 <<<"{\"workspace_id\": \"$id\", \"display_name\": \"$id\", \"first_admin\": \"service:first-admin\"}"
    export FIRST ADMIN TOKEN
    FIRST=$(vault KEYWAY_OPERATOR_TOKEN TokenService/Create <<<"{\"workspace\": \"$workspace\", \"role\": \"ROLE_ADMIN\", \"subject\": \"service:first-admin\", \"reason\": \"the first admin\"}" | field secret)
    vault FIRST MemberService/Put >&2 <<<"{\"workspace\": \"$workspace\", \"subject\": \"service:ana\", \"role\": \"ROLE_ADMIN\"}"
    vault FIRST MemberService/Put >&2 <<<"{\"workspace\": \"$workspace\", \"subject\": \"service:auditing\", \"role\": \"ROLE_READER\"}"
    ADMIN=$(vault FIRST TokenService/Create <<<"{\"workspace\": \"$workspace\", \"role\": \"ROLE_ADMIN\", \"subject\": \"service:ana\"}" | field secret)
    TOKEN=$(vault ADMIN TokenService/Create <<<"{\"workspace\": \"$workspace\", \"role\": \"ROLE_CALLER\", \"label\": \"of before\"}" | field secret)
    for key in "openai sk-keyway-test-${step/_/}-openai-$id" "anthropic sk-ant-keyway-test-${step/_/}-$id" "mistral keyway-test-${step/_/}-deleted-$id"; do
        vault ADMIN KeyService/PutKey >&2 <<<"{\"owner\": \"$workspace\", \"provider\": \"${key% *}\", \"secret\": \"${key#* }\"}"
    done
    vault ADMIN KeyService/DeleteKey >&2 <<<"{\"name\": \"$workspace/keys/mistral/default\"}"
    printf '%s admin %s\n%s call %s\n' "$id" "$ADMIN" "$id" "$TOKEN" >>"$planted"
    for model in openai/gpt-5-mini anthropic/claude-haiku-4-5 openai/gpt-5-mini; do
        printf '%s event %s\n' "$id" "$(chat "\"model\": \"$model\"" | field callId)" >>"$planted"
    done
    if chat '"model": "openai/gpt-5-mini", "temperature": 9' >&2; then
        echo 'a call that was to be refused was not' >&2
        exit 1
    fi
done
