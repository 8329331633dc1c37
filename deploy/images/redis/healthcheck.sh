#!/bin/sh
# Healthy means that it answers PONG: while it loads its file it answers an error.
answer=$(timeout 3 redis-cli ping 2>&1)
echo "$answer"
[ "$answer" = PONG ]
