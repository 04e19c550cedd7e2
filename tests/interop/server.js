// aedes as a server, on a leash: tells on standard output where it listens, on standard error who has subscribed. Ends when it is killed.
//
//   node server.js PORT WEBSOCKET-PORT
'use strict'

const aedes = require('aedes')()
const http = require('node:http')
const net = require('node:net')
const { WebSocketServer, createWebSocketStream } = require('ws')

const [port, webSocketPort] = process.argv.slice(2).map(Number)

aedes.on('subscribe', (_, client) => process.stderr.write(`${client.id} subscribed\n`))

const web = http.createServer()
new WebSocketServer({ server: web, handleProtocols: (offered) => offered.has('mqtt') ? 'mqtt' : 'mqttv3.1' })
  .on('connection', (socket, request) => aedes.handle(createWebSocketStream(socket), request))

net.createServer(aedes.handle).listen(port, '127.0.0.1', () =>
  web.listen(webSocketPort, '127.0.0.1', () => process.stdout.write('listening\n')))
