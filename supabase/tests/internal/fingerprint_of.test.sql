-- fingerprint_of: the same arguments have one digest, others another.
begin;
select plan(10);


select is(app.fingerprint_of(array['growth', 'month']), encode(sha256('["growth", "month"]'), 'hex'), 'it is the SHA-256 of the arguments, in order');
select isnt(app.fingerprint_of(array['growth', 'month']), app.fingerprint_of(b), format('%s are others', b))
from (values (array['month', 'growth']), (array['growth']), (array['growth', 'month', '']), (array['growth', null]), (array['growthmonth']), (array['growth,month']), (array['growth", "month'])) v (b);
select isnt(app.fingerprint_of(array[null]::text[]), app.fingerprint_of(array['']), 'none is not the empty one');
select is(app.fingerprint_of(array['ü']), encode(sha256(convert_to('["ü"]', 'UTF8')), 'hex'), 'of characters, in UTF-8');

select * from finish();
rollback;
