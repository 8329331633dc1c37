#!/bin/sh
# Options or a configuration file alone mean redis-server, as in the public image. That one is built to listen to
# other containers without a password; Debian's needs to be told, unless the command line says otherwise.
set -eu

case ${1-} in
-* | *.conf) set -- redis-server "$@" ;;
esac
case " $* " in
" redis-server "*" --protected-mode "*) ;;
" redis-server "*) set -- "$@" --protected-mode no ;;
esac
exec "$@"
