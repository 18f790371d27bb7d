#!/bin/sh
# Succeeds if the server answers, be it that it is still starting.
pg_isready --quiet --timeout=3
[ $? -le 1 ]
