-- Epochs of the cache and positions in its table of voids begin at the microseconds since 1970, which grow faster
-- than either is counted up. A database that is made in place of another one begins above all that the other
-- has given out, so a Redis that has stayed up names no epoch of it, and nothing in it is believed.
select setval(sequence, greatest(nextval(sequence), (extract(epoch from clock_timestamp()) * 1000000)::bigint))
from (values (pg_get_serial_sequence('cache_epoch', 'epoch')::regclass),
             (pg_get_serial_sequence('cache_void', 'cache_void_id')::regclass)) as begun (sequence);
