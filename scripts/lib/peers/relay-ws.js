// The same relay on node with the package ws: a loop of send over the members
// of the topic. Arguments: port. NODE_PATH says where ws is.
const { WebSocketServer } = require('ws');

const topics = new Map();
const text = { binary: false, compress: false };

function subscribe(socket, names) {
    for (const name of names) {
        if (!topics.has(name)) topics.set(name, new Set());
        topics.get(name).add(socket);
        socket.topics.push(name);
    }
    socket.send('S');
}

function publish(socket, data) {
    const members = topics.get(data.toString('latin1', 2, data.indexOf(32, 2)));
    if (members === undefined) return;
    for (const member of members)
        if (member !== socket) member.send(data, text);
}

const server = new WebSocketServer({
    host: '127.0.0.1',
    port: Number(process.argv[2]),
    perMessageDeflate: false,
    backlog: 4096,
});
server.on('connection', (socket) => {
    socket.topics = [];
    socket.on('message', (data) => {
        if (data[0] === 80) publish(socket, data);
        else if (data[0] === 83)
            subscribe(socket, data.toString('latin1').split(' ').slice(1));
        else socket.send('H');
    });
    socket.on('error', () => {});
    socket.on('close', () => {
        for (const name of socket.topics) topics.get(name).delete(socket);
    });
});
server.on('listening', () => console.log(`ready ${server.address().port}`));
