// What a message costs MQTT.js: node clientload.js MODE PORT WARM COUNT; as Mqtt.ClientLoad. Wants MQTT.js where tests/interop has it.
const mqtt = require(process.env.MQTTJS || 'mqtt')
const [mode, port, warm, count] = [process.argv[2], ...process.argv.slice(3).map(Number)]
const inFlight = 100
const payload = Buffer.alloc(64)
let before
const onMessage = number => { if (number === warm) before = process.cpuUsage() }
const client = mqtt.connect(`mqtt://127.0.0.1:${port}`, { protocolVersion: 5, reconnectPeriod: 0 })
client.on('error', error => { console.error(error); process.exit(1) })
client.on('connect', () => mode === 'sub0' ? receive() : publish(mode === 'pub1' ? 1 : 0))

function end () {
  const used = process.cpuUsage(before)
  console.log(((used.user + used.system) / count).toFixed(3))
  client.end(true, () => process.exit(0))
}

function receive () {
  let received = 0
  client.on('message', () => {
    onMessage(++received)
    if (received === warm + count) end()
  })
  client.subscribe('bench/client', error => { if (error) throw error; console.log('ready') })
}

function publish (qos) {
  let started = 0; let done = 0
  const one = () => {
    if (started === warm + count) return
    onMessage(++started)
    client.publish('bench/client', payload, { qos }, error => {
      if (error) throw error
      if (++done === warm + count) end()
      else setImmediate(one) // The stack would grow with each message that is written at once.
    })
  }
  for (let i = 0; i < inFlight; i++) one()
}
