// The README's tour with stubs of protoc-gen-go-grpc, in a workspace of its own. Prints what it found, as one JSON object.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	billing "keyway.test/client/stubs/keyway/billing/v1"
	router "keyway.test/client/stubs/keyway/router/v1"
	vault "keyway.test/client/stubs/keyway/vault/v1"
)

const (
	secret    = "sk-ant-keyway-go-0123456789"
	workspace = "workspaces/tour-go"
	deadline  = 30 * time.Second
)

var (
	keys       vault.KeyServiceClient
	tokens     vault.TokenServiceClient
	workspaces vault.WorkspaceServiceClient
	execution  router.ExecutionServiceClient
	usage      billing.BillingServiceClient
)

type receipt struct {
	CallID    string `json:"call_id"`
	Source    string `json:"source"`
	ChargeUSD string `json:"charge_usd"`
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func require(holds bool, what any) {
	if !holds {
		panic(what)
	}
}

func as(token string) context.Context {
	ctx, _ := context.WithTimeout(context.Background(), deadline) //nolint:govet // it ends with the program
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
}

// failure gives the code and the stable reason with which a call fails.
func failure(err error) []string {
	told, ok := status.FromError(err)
	require(ok && told.Code() != codes.OK, err)
	for _, detail := range told.Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok && info.Domain == "keyway" {
			return []string{told.Code().String(), info.Reason}
		}
	}
	panic(err)
}

func connect(variable string) *grpc.ClientConn {
	return must(grpc.NewClient(os.Getenv(variable), grpc.WithTransportCredentials(insecure.NewCredentials())))
}

func makeWorkspace() string {
	operator := as(os.Getenv("KEYWAY_OPERATOR_TOKEN"))
	who := must(tokens.WhoAmI(operator, &vault.TokenServiceWhoAmIRequest{}))
	require(who.Role == vault.Role_ROLE_OPERATOR, who)
	subject := "service:tour-admin"
	made := must(workspaces.Create(operator, &vault.WorkspaceServiceCreateRequest{WorkspaceId: "tour-go", FirstAdmin: subject}))
	require(made.Workspace.Name == workspace, made)
	return must(tokens.Create(operator, &vault.TokenServiceCreateRequest{
		Workspace: workspace, Role: vault.Role_ROLE_ADMIN, Subject: subject, Reason: "the first admin",
	})).Secret
}

func storeKey(admin string) string {
	must(keys.PutKey(as(admin), &vault.PutKeyRequest{Owner: workspace, Provider: "anthropic", Secret: secret}))
	listed := must(keys.ListKeys(as(admin), &vault.ListKeysRequest{Owner: workspace}))
	require(len(listed.Keys) == 1 && listed.Keys[0].Mask == "…6789", listed)
	require(!strings.Contains(listed.String(), secret), "the secret came back")
	return listed.Keys[0].Name
}

func makeToken(admin string, role vault.Role) *vault.TokenServiceCreateResponse {
	return must(tokens.Create(as(admin), &vault.TokenServiceCreateRequest{Workspace: workspace, Role: role, Label: "tour"}))
}

func ask(text string) *router.ChatRequest {
	most := uint32(64)
	part := &router.Part{Part: &router.Part_Text{Text: text}}
	message := &router.Message{Role: router.ChatRole_CHAT_ROLE_USER, Parts: []*router.Part{part}}
	return &router.ChatRequest{
		Model: "anthropic/claude-haiku-4-5", Messages: []*router.Message{message}, MaxOutputTokens: &most,
	}
}

func brief(told *router.Receipt) receipt {
	require(len(told.Attempts) == 1, told)
	attempt := told.Attempts[0]
	return receipt{told.CallId, attempt.Source.String(), attempt.GetChargeUsd()}
}

func oneChat(caller string) receipt {
	answer := must(execution.Chat(as(caller), ask("Who pays for this call?")))
	require(answer.Message.Parts[0].GetText() == "You said: Who pays for this call?", answer)
	return brief(answer.Receipt)
}

func oneStream(caller string) receipt {
	stream := must(execution.StreamChat(as(caller), &router.StreamChatRequest{Request: ask("In pieces, please.")}))
	require(must(stream.Recv()).GetCallId() != "", "the call's id comes first")
	text := ""
	for {
		event := must(stream.Recv())
		text += event.GetText()
		if end := event.GetEnd(); end != nil {
			require(text == "You said: In pieces, please.", text)
			_, err := stream.Recv()
			require(err == io.EOF, err)
			return brief(end.Receipt)
		}
	}
}

func oneEmbedding(caller string) receipt {
	request := &router.EmbedRequest{Model: "openai/text-embedding-3-small", Inputs: []string{"one text"}}
	answer := must(execution.Embed(as(caller), request))
	require(len(answer.Embeddings) == 1 && len(answer.Embeddings[0].Values) > 0, "a vector")
	return brief(answer.Receipt)
}

// stream reads the workspace's events behind what the consumer acknowledged: `most` of them, or to the end.
func stream(admin string, most int, acknowledged string) (found []string, cursor string) {
	ctx, cancel := context.WithCancel(as(admin))
	defer cancel()
	events := must(usage.StreamUsage(ctx))
	open := &billing.StreamUsageOpen{
		Filter: &billing.UsageFilter{Workspace: workspace}, Follow: most > 0, Consumer: "tour",
	}
	send := func(request *billing.StreamUsageRequest) { require(events.Send(request) == nil, "it can be sent") }
	send(&billing.StreamUsageRequest{Message: &billing.StreamUsageRequest_Open{Open: open}})
	if acknowledged != "" {
		send(&billing.StreamUsageRequest{Message: &billing.StreamUsageRequest_Acknowledge{Acknowledge: acknowledged}})
	}
	require(events.CloseSend() == nil, "it can be closed")
	for most == 0 || len(found) < most {
		said, err := events.Recv()
		if err == io.EOF {
			break
		}
		require(err == nil, err)
		if said.Event != nil {
			found, cursor = append(found, said.Event.EventId), said.Cursor
		}
	}
	return found, cursor
}

func main() {
	toVault, toRouter := connect("KEYWAY_VAULT"), connect("KEYWAY_ROUTER")
	keys, tokens = vault.NewKeyServiceClient(toVault), vault.NewTokenServiceClient(toVault)
	workspaces = vault.NewWorkspaceServiceClient(toVault)
	execution, usage = router.NewExecutionServiceClient(toRouter), billing.NewBillingServiceClient(toRouter)

	admin := makeWorkspace()
	key := storeKey(admin)
	reader := makeToken(admin, vault.Role_ROLE_READER).Secret
	_, denied := keys.DeleteKey(as(reader), &vault.DeleteKeyRequest{Name: key})
	_, nobody := keys.ListKeys(context.Background(), &vault.ListKeysRequest{Owner: workspace})
	created := makeToken(admin, vault.Role_ROLE_CALLER)
	caller := created.Secret
	receipts := []receipt{oneChat(caller), oneStream(caller), oneEmbedding(caller)}
	must(keys.DeleteKey(as(admin), &vault.DeleteKeyRequest{Name: key, WaitForRouters: true}))
	receipts = append(receipts, oneChat(caller))
	must(tokens.Revoke(as(admin), &vault.TokenServiceRevokeRequest{
		Workspace: workspace, Accessor: created.Token.Accessor, WaitForRouters: true,
	}))
	_, revoked := execution.Chat(as(caller), ask("Am I still here?"))
	billed, cursor := stream(admin, len(receipts), "")
	stream(admin, 0, cursor)
	behind, _ := stream(admin, 0, "")
	require(len(behind) == 0, behind)
	found := map[string]any{
		"receipts": receipts, "billed": billed,
		"denied": failure(denied), "nobody": failure(nobody), "revoked": failure(revoked),
	}
	fmt.Println(string(must(json.Marshal(found))))
}
