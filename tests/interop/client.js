// MQTT.js on a leash: takes one command a line on standard input, and answers with one line of JSON each on standard output; what
// happens by itself (messages, the end of the connection) comes as lines too. Ends with its input.
//
//   {"do":"connect","port":1883,"options":{...}}       -> {"event":"connected","sessionPresent":...} or {"event":"refused","code":...}
//   {"do":"subscribe","filter":"a/#","options":{...}}  -> {"event":"subscribed","granted":[...]}
//   {"do":"unsubscribe","filter":"a/#"}                -> {"event":"unsubscribed"}
//   {"do":"publish","topic":"a","payload":"base64","options":{...}} -> {"event":"published"}
//   {"do":"reconnect"}                                 -> as connect, with the same options, store and session; with the option
//                                                         reconnectPeriod it comes back by itself, and says "connected" again
//   {"do":"cut"}                                       -> {"event":"closed"}; no DISCONNECT is sent
//   {"do":"disconnect","options":{...}}                -> {"event":"closed"}
'use strict'

const mqtt = require('mqtt')
const readline = require('node:readline')

let client

const say = (event, fields = {}) => process.stdout.write(JSON.stringify({ event, ...fields }) + '\n')

const answer = (event, pick) => (error, ...results) =>
  error ? say('failed', { event, message: error.message, code: error.code }) : say(event, pick ? pick(...results) : {})

const bytes = (text) => Buffer.from(text, 'base64')

// Properties travel as JSON, and the one that is binary as base64.
function encoded (properties) {
  if (!properties) return {}
  const { correlationData, ...rest } = properties
  return correlationData ? { ...rest, correlationData: correlationData.toString('base64') } : rest
}

function decoded (options) {
  const properties = options.properties
  if (properties?.correlationData) properties.correlationData = bytes(properties.correlationData)
  return options
}

const commands = {
  connect ({ port, options }) {
    client = mqtt.connect({ host: '127.0.0.1', port, reconnectPeriod: 0, connectTimeout: 10000, ...options })
    client.on('connect', (packet) => say('connected', { sessionPresent: packet.sessionPresent, code: packet.reasonCode ?? packet.returnCode, properties: packet.properties ?? {} }))
    client.on('message', (topic, payload, packet) => say('message', {
      topic, payload: payload.toString('base64'), qos: packet.qos, retain: packet.retain, dup: packet.dup, properties: encoded(packet.properties)
    }))
    client.on('disconnect', (packet) => say('disconnect', { code: packet.reasonCode }))
    // A code in words is the network's: nobody listens there, or no longer.
    client.on('error', (error) => say(typeof error.code === 'string' ? 'unreachable' : 'refused', { code: error.code, message: error.message }))
    client.on('close', () => say('closed'))
  },

  reconnect () { client.reconnect() },

  subscribe ({ filter, options }) {
    client.subscribe(filter, options ?? {}, answer('subscribed', (granted) => ({ granted: granted.map((one) => one.qos) })))
  },

  unsubscribe ({ filter }) { client.unsubscribe(filter, answer('unsubscribed')) },

  publish ({ topic, payload, options }) { client.publish(topic, bytes(payload), decoded(options ?? {}), answer('published')) },

  // The socket goes away as if the cable was pulled: nothing is said to the server.
  cut () { client.stream.destroy() },

  disconnect ({ options }) { client.end(false, options ?? {}) }
}

readline.createInterface({ input: process.stdin })
  .on('line', (line) => {
    const command = JSON.parse(line)
    commands[command.do](command)
  })
  .on('close', () => process.exit(0))
