import java.time.Duration;
import java.util.List;
import java.util.Properties;
import java.util.Random;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Two services of a shop on Kafka: `orders SEED PER_SEC` takes orders and sends them, `billing` reads them and bills. */
public class Orders {
  static final String BROKERS = "127.0.0.1:9092,127.0.0.1:9093,127.0.0.1:9094";

  public static void main(String[] words) throws Exception {
    if (words[0].equals("orders")) take(Long.parseLong(words[1]), Double.parseDouble(words[2]));
    else bill(words[1]);
  }

  static Properties common(String client) {
    Properties settings = new Properties();
    settings.put("bootstrap.servers", BROKERS);
    settings.put("client.id", client);
    return settings;
  }

  static void take(long seed, double perSec) throws Exception {
    Logger log = LoggerFactory.getLogger("shop.orders.Intake");
    Properties settings = common("orders");
    settings.put("key.serializer", "org.apache.kafka.common.serialization.StringSerializer");
    settings.put("value.serializer", "org.apache.kafka.common.serialization.StringSerializer");
    settings.put("acks", "all");
    settings.put("delivery.timeout.ms", "6000");
    settings.put("request.timeout.ms", "3000");
    Random random = new Random(seed);
    try (KafkaProducer<String, String> producer = new KafkaProducer<>(settings)) {
      log.info("orders 5.1.0 started");
      long next = System.nanoTime();
      for (int number = 1; ; number++) {
        next += (long) (-Math.log(1 - random.nextDouble()) / perSec * 1e9);
        Thread.sleep(Math.max(0, (next - System.nanoTime()) / 1_000_000));
        int customer = 1 + random.nextInt(500), id = number;
        if (random.nextInt(60) == 0) {
          log.warn("order of customer {} refused: card declined", customer);
          continue;
        }
        String value = id + " " + customer + " " + (500 + random.nextInt(20000)) + " " + "x".repeat(random.nextInt(600));
        producer.send(new ProducerRecord<>("orders", Integer.toString(customer), value), (sent, error) -> {
          if (error != null) log.error("order {} of customer {} could not be sent", id, customer, error);
          else log.info("order {} of customer {} accepted, partition {} offset {}", id, customer, sent.partition(), sent.offset());
        });
      }
    }
  }

  static void bill(String instance) {
    Logger log = LoggerFactory.getLogger("shop.billing.Worker");
    Properties settings = common("billing-" + instance);
    settings.put("group.id", "billing");
    settings.put("key.deserializer", "org.apache.kafka.common.serialization.StringDeserializer");
    settings.put("value.deserializer", "org.apache.kafka.common.serialization.StringDeserializer");
    settings.put("auto.offset.reset", "earliest");
    settings.put("session.timeout.ms", "10000");
    KafkaConsumer<String, String> consumer = new KafkaConsumer<>(settings);
    Thread main = Thread.currentThread();
    Runtime.getRuntime().addShutdownHook(new Thread(() -> {
      consumer.wakeup();
      try {
        main.join(5000);
      } catch (InterruptedException ignored) {
        Thread.currentThread().interrupt();
      }
    }));
    consumer.subscribe(List.of("orders"));
    log.info("billing 2.7.3 started, instance {}", instance);
    try (consumer) {
      while (true) {
        for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofSeconds(1))) {
          String[] parts = record.value().split(" ");
          log.info("billed order {}: {} cents, {} ms after it was placed", parts[0], parts[2], System.currentTimeMillis() - record.timestamp());
        }
      }
    } catch (org.apache.kafka.common.errors.WakeupException stop) {
      log.info("billing is stopping, instance {}", instance);
    }
  }
}
