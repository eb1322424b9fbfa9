// A Node program that joins the mesh by http_proxy, and says what it saw as JSON.
const http = require("http");
const crypto = require("crypto");
const { Readable } = require("stream");

const proxy = new URL(process.env.http_proxy);
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
const sockets = new Set();

function ask(method, url, { headers = {}, body } = {}) {
    return new Promise((resolve, reject) => {
        const request = http.request({
            host: proxy.hostname, port: proxy.port, method, path: url, agent,
            headers: { host: new URL(url).host, ...headers },
        });
        request.on("error", reject);
        request.on("socket", (socket) => sockets.add(socket));
        request.on("response", (answer) => {
            const pieces = [];
            answer.on("error", reject);
            answer.on("data", (piece) => pieces.push(piece));
            answer.on("end", () => resolve({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(pieces) }));
        });
        if (body === undefined) request.end();
        else Readable.from(body).pipe(request);
    });
}

const sha = (bytes) => crypto.createHash("sha256").update(bytes).digest("hex");

async function main() {
    const out = { versions: {} };
    for (let i = 0; i < 40; i++) {
        const { body } = await ask("GET", "http://shop:9080/");
        out.versions[body] = (out.versions[body] || 0) + 1;
    }
    out.jason = (await ask("GET", "http://shop:9080/", { headers: { "end-user": "jason" } })).body.toString();
    out.redirect = (await ask("GET", "http://shop:9080/moved")).headers.location;
    const head = await ask("HEAD", "http://shop:9080/");
    out.head = [head.status, head.body.length];
    // Before the echo, whose answers may begin before the request has ended: as in Envoy, that
    // ends an HTTP/1 connection.
    out.sockets = sockets.size;
    const sent = crypto.randomBytes(3 << 20);
    const pieces = [];
    for (let i = 0; i < sent.length; i += 10007) pieces.push(sent.subarray(i, i + 10007));
    const chunked = await ask("POST", "http://echo:8081/", { body: pieces });
    const sized = await ask("POST", "http://echo:8081/", { body: [sent], headers: { "content-length": sent.length } });
    out.echoes = [chunked, sized].map((answer) => [answer.headers["x-framing"], sha(answer.body) === sha(sent)]);
    console.log(JSON.stringify(out));
    agent.destroy();
}

main();
