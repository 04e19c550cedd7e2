// What a message costs libmosquitto: clientload MODE PORT WARM COUNT; as Mqtt.ClientLoad. One thread: the library's own loop, and publishing from its callback.
#include <mosquitto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { IN_FLIGHT = 100, PAYLOAD_BYTES = 64 };
static const char *topic = "bench/client";
static long warm, count, started, done;
static int qos, receives;
static double before;

static double cpu_us(void) {
  struct rusage r;
  getrusage(RUSAGE_SELF, &r);
  return (r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1e6 + r.ru_utime.tv_usec + r.ru_stime.tv_usec;
}

static void check(int rc) {
  if (rc == MOSQ_ERR_SUCCESS) return;
  fprintf(stderr, "clientload: %s\n", mosquitto_strerror(rc));
  exit(1);
}

static void on_message_number(long number) { if (number == warm) before = cpu_us(); }

static void publish(struct mosquitto *m) {
  static const char payload[PAYLOAD_BYTES];
  while (started < warm + count && started - done < IN_FLIGHT) {
    on_message_number(++started);
    check(mosquitto_publish(m, NULL, topic, PAYLOAD_BYTES, payload, qos, false));
  }
}

static void on_connect(struct mosquitto *m, void *o, int rc) {
  check(rc);
  if (receives) check(mosquitto_subscribe(m, NULL, topic, 0));
}

static void on_subscribe(struct mosquitto *m, void *o, int mid, int n, const int *granted) { puts("ready"); fflush(stdout); }
static void on_publish(struct mosquitto *m, void *o, int mid) { done++; }
static void on_message(struct mosquitto *m, void *o, const struct mosquitto_message *message) { on_message_number(++done); }

int main(int argc, char **argv) {
  if (argc != 5) return 2;
  receives = !strcmp(argv[1], "sub0");
  qos = !strcmp(argv[1], "pub1");
  warm = atol(argv[3]);
  count = atol(argv[4]);
  mosquitto_lib_init();
  struct mosquitto *m = mosquitto_new(NULL, true, NULL);
  mosquitto_int_option(m, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5);
  mosquitto_int_option(m, MOSQ_OPT_SEND_MAXIMUM, IN_FLIGHT);
  mosquitto_int_option(m, MOSQ_OPT_TCP_NODELAY, 1);
  mosquitto_connect_callback_set(m, on_connect);
  mosquitto_subscribe_callback_set(m, on_subscribe);
  mosquitto_publish_callback_set(m, on_publish);
  mosquitto_message_callback_set(m, on_message);
  check(mosquitto_connect(m, "127.0.0.1", atoi(argv[2]), 60));
  for (int connected = 0; done < warm + count;) {
    check(mosquitto_loop(m, 100, 1));
    connected += !connected && mosquitto_socket(m) >= 0;
    if (connected && !receives) publish(m);
  }
  printf("%.3f\n", (cpu_us() - before) / count);
}
