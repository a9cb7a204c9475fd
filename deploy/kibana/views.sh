#!/bin/bash
# Makes the data views of the demo in Kibana; what is there already is left as it is.
set -u

view() {
  local name=$1 pattern=$2 status
  status=$(curl -sS -o /tmp/answer -w '%{http_code}' -X POST http://kibana:5601/api/data_views/data_view \
    -H 'kbn-xsrf: true' -H 'Content-Type: application/json' \
    -d "{\"data_view\":{\"id\":\"$name\",\"name\":\"$name\",\"title\":\"$pattern\",\"timeFieldName\":\"@timestamp\"}}")
  case $status in
    200) echo "data view $name made" ;;
    400) echo "data view $name is there" ;;
    *) cat /tmp/answer && exit 1 ;;
  esac
}

view logs 'logs-demo-*'
view anomalies 'logs-logwake.anomalies-*'
view alerts 'logs-logwake.alerts-*'
