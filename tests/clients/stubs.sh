#!/usr/bin/env bash
# Makes the stubs of one language from the shipped .proto files: stubs.sh python|node|go FOLDER
# The compiler is the one of grpcio-tools; .ci/run installs it with the plugins for Node and Go.
set -euo pipefail
language=$1
out=$2
clients=$(cd "$(dirname "$0")" && pwd)
proto=$(cd "$clients/../../proto" && pwd)
mapfile -t files < <(cd "$proto" && find keyway -name '*.proto' | sort)
mkdir -p "$out"

compile() { python3 -m grpc_tools.protoc --proto_path="$proto" "$@" "${files[@]}"; }

case $language in
python)
    compile --python_out="$out" --grpc_python_out="$out"
    ;;
node)
    # google.rpc.Status and ErrorInfo, which failures carry.
    common=$(python3 -c 'import google.rpc; print(list(google.rpc.__path__)[0])')/../..
    files+=(google/rpc/status.proto google/rpc/error_details.proto)
    compile --proto_path="$common" \
        --plugin=protoc-gen-ts_proto="$clients/node/node_modules/.bin/protoc-gen-ts_proto" \
        --ts_proto_out="$out" \
        --ts_proto_opt=outputServices=grpc-js,env=node,forceLong=bigint,esModuleInterop=true,importSuffix=.js
    ;;
go)
    module=keyway.test/client
    options=()
    for file in "${files[@]}"; do
        folder=$(dirname "$file") # keyway/vault/v1
        IFS=/ read -r _ service version <<<"$folder"
        place="M$file=$module/stubs/$folder;$service$version"
        options+=(--go_opt="$place" --go-grpc_opt="$place")
    done
    compile --go_out="$out" --go_opt=module="$module/stubs" \
        --go-grpc_out="$out" --go-grpc_opt=module="$module/stubs" "${options[@]}"
    ;;
*)
    echo "no stubs for $language: python, node or go" >&2
    exit 2
    ;;
esac
