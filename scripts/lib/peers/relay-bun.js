// A relay on bun's WebSocket server: "S 3 4" subscribes to topics, "P 3 BODY"
// goes to all others of topic 3 by bun's own publish. Argument: port.
const server = Bun.serve({
    hostname: '127.0.0.1',
    port: Number(process.argv[2]),
    fetch(request, server) {
        if (server.upgrade(request)) return undefined;
        return new Response('a WebSocket is expected', { status: 426 });
    },
    websocket: {
        perMessageDeflate: false,
        idleTimeout: 0,
        sendPings: false,
        backpressureLimit: 64 * 1024 * 1024,
        message(socket, data) {
            switch (data[0]) {
            case 'P':
                socket.publish(data.slice(2, data.indexOf(' ', 2)), data);
                break;
            case 'S':
                for (const topic of data.split(' ').slice(1))
                    socket.subscribe(topic);
                socket.send('S');
                break;
            default:
                socket.send('H');
            }
        },
    },
});
console.log(`ready ${server.port}`);
