#!/bin/sh
# Some requests a second to the demo app, most of them fine, one in fifty for a page that is not there.
n=0
while true; do
  n=$((n + 1))
  case $((n % 50)) in
    0) path=/missing/$n.html ;;
    *[02468]) path=/api/orders/$n ;;
    *[15]) path=/static/item-$n.css ;;
    *) path=/ ;;
  esac
  wget -q -T 5 -O /dev/null "http://demo-app$path" 2>/dev/null
  sleep 0.1
done
