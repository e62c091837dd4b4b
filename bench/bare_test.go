package bench

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.etcd.io/bbolt"

	"edgeagent/hwsim/inspiresim"
)

// notice is an event of the stream in plain structs, for encoding/json.
type notice struct {
	Type    string `json:"type"`
	Payload struct {
		Data struct {
			NewEvent struct {
				Metadata struct {
					Offset string `json:"offset"`
				} `json:"metadata"`
				ModuleName string `json:"moduleName"`
				EventName  string `json:"eventName"`
				Detail     []struct {
					ElementName string `json:"elementName"`
					OldValue    string `json:"oldValue"`
					NewValue    string `json:"newValue"`
				} `json:"detail"`
			} `json:"newEvent"`
		} `json:"data"`
	} `json:"payload"`
}

// bareLoop is what the agent's intake is held against: the same libraries and
// nothing but read a frame, decode it, one bbolt commit per 512. It takes n
// notices and returns how long that took from the subscription on.
func bareLoop(b *testing.B, s *inspiresim.Server, query, file string, n int) time.Duration {
	conn := subscribe(b, s)
	defer conn.Close()
	db := must(bbolt.Open(file, 0o600, &bbolt.Options{NoFreelistSync: true, FreelistType: bbolt.FreelistMapType}))(b)
	defer db.Close()
	began := time.Now()
	write(b, conn, map[string]any{"id": "1", "type": "subscribe", "payload": map[string]any{
		"query": query, "extensions": map[string]any{"fromOffset": 0},
	}})
	var last string
	for got := 0; got < n; {
		_, frame, err := conn.ReadMessage()
		if err != nil {
			b.Fatal(err)
		}
		var e notice
		if err := json.Unmarshal(frame, &e); err != nil {
			b.Fatal(err)
		}
		if e.Type != "next" || len(e.Payload.Data.NewEvent.Detail) == 0 {
			continue
		}
		last = e.Payload.Data.NewEvent.Metadata.Offset
		if got++; got%512 == 0 || got == n {
			err := db.Update(func(tx *bbolt.Tx) error {
				offsets, err := tx.CreateBucketIfNotExists([]byte("offsets"))
				if err != nil {
					return err
				}
				return offsets.Put([]byte("pms"), []byte(last))
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	took := time.Since(began)
	write(b, conn, map[string]any{"id": "1", "type": "complete"})
	return took
}

// subscribe opens a stream as far as the acknowledgement.
func subscribe(b *testing.B, s *inspiresim.Server) *websocket.Conn {
	token := fetchToken(b, s)
	address := s.StreamURL() + "?key=" + url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(appKey)))
	conn, _, err := (&websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}}).Dial(address, nil)
	if err != nil {
		b.Fatal(err)
	}
	write(b, conn, map[string]any{"type": "connection_init", "payload": map[string]string{
		"Authorization": "Bearer " + token, "x-app-key": appKey,
	}})
	for {
		var m struct{ Type string }
		if err := conn.ReadJSON(&m); err != nil {
			b.Fatal(err)
		}
		if m.Type == "connection_ack" {
			return conn
		}
	}
}

func write(b *testing.B, conn *websocket.Conn, message any) {
	if err := conn.WriteJSON(message); err != nil {
		b.Fatal(err)
	}
}

func fetchToken(b *testing.B, s *inspiresim.Server) string {
	form := strings.NewReader("grant_type=client_credentials&scope=urn:pms:events")
	req := must(http.NewRequest(http.MethodPost, s.TokenURL(), form))(b)
	req.SetBasicAuth(clientID, clientSecret)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header["x-app-key"] = []string{appKey}
	req.Header["enterpriseId"] = []string{enterprise}
	req.Header["X-Request-Id"] = []string{"6f2d4f0e-7f0f-4d3c-9a39-0d6d0e2f8a11"}
	resp := must(http.DefaultClient.Do(req))(b)
	defer resp.Body.Close()
	var answer struct {
		Token string `json:"access_token"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || answer.Token == "" {
		b.Fatal(fmt.Errorf("token: %s, %w", resp.Status, err))
	}
	return answer.Token
}
