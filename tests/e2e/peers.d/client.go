// A Go program that joins the mesh by HTTP_PROXY, as its standard library reads it,
// and says what it saw as JSON.
package main

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptrace"
	"os"
)

type echo struct {
	Framing string
	IsSame  bool
}

type seen struct {
	Versions          map[string]int
	Jason, Redirect   string
	Echoes            []echo
	Status, HeadBytes int
	Connections       int
	Continues         int
}

var out = seen{Versions: map[string]int{}}
var connections int

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func ask(method, url string, body io.Reader, headers map[string]string) (*http.Response, []byte) {
	request := must(http.NewRequest(method, url, body))
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	trace := &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) {
			if !info.Reused {
				connections++
			}
		},
		Got100Continue: func() { out.Continues++ },
	}
	answer := must(http.DefaultTransport.RoundTrip(request.WithContext(httptrace.WithClientTrace(request.Context(), trace))))
	defer answer.Body.Close()
	return answer, must(io.ReadAll(answer.Body))
}

func main() {
	for i := 0; i < 40; i++ {
		_, body := ask("GET", "http://shop:9080/", nil, nil)
		out.Versions[string(body)]++
	}
	_, body := ask("GET", "http://shop:9080/", nil, map[string]string{"end-user": "jason"})
	out.Jason = string(body)
	answer, _ := ask("GET", "http://shop:9080/moved", nil, nil)
	out.Redirect = answer.Header.Get("location")
	answer, body = ask("HEAD", "http://shop:9080/", nil, nil)
	out.Status, out.HeadBytes, out.Connections = answer.StatusCode, len(body), connections

	sent := make([]byte, 3<<20)
	must(rand.Read(sent))
	unsized := io.MultiReader(bytes.NewReader(sent)) // hides the length: chunked
	for _, reader := range []io.Reader{unsized, bytes.NewReader(sent)} {
		answer, body := ask("POST", "http://echo:8081/", reader, map[string]string{"Expect": "100-continue"})
		out.Echoes = append(out.Echoes, echo{answer.Header.Get("x-framing"), bytes.Equal(body, sent)})
	}
	if err := json.NewEncoder(os.Stdout).Encode(out); err != nil {
		panic(err)
	}
}
