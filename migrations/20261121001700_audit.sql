-- The audit log: who did what, before and after, in a chain that shows any later change. And lifting what stops mail
-- to somebody, which is written down there.

-- Every entry is numbered without a gap and carries the hash of the entry before it.
drop index public.audit_log_newest;
alter table public.audit_log disable trigger refuse_change;
alter table public.audit_log alter column id drop identity;
alter table public.audit_log rename column id to number;
alter table public.audit_log drop constraint audit_log_pkey;
alter table public.audit_log drop constraint audit_log_operation_check;
alter table public.audit_log add constraint audit_log_operation_check
  check (operation in ('INSERT', 'UPDATE', 'DELETE', 'EXPORT', 'ERASE', 'LIFT'));
alter table public.audit_log
  -- By the server's own clock: happened_at follows the caller's p_now, and nobody dates an entry back.
  add column recorded_at timestamptz,
  add column actor_kind text not null default 'unknown'
    check (actor_kind in ('person', 'service', 'operator', 'unknown')),
  -- As it was then: people leave, and are renamed.
  add column actor_name text not null default '',
  add column previous_hash text,
  add column hash text;
comment on table public.audit_log is 'Append-only for everybody; private.chain_audit() numbers and chains the entries.';

create function private.server_clock() returns timestamptz
language sql volatile set search_path = '' as $$ select clock_timestamp() $$;

-- Over one canonical text: jsonb writes its keys in one order, and the moment is spelled in UTC whatever the session's zone.
create function private.audit_hash(entry public.audit_log) returns text
language sql stable set search_path = '' as $$
  select encode(sha256(convert_to(jsonb_build_array(
    entry.number, entry.previous_hash,
    to_char(entry.recorded_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'),
    to_char(entry.happened_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'),
    entry.actor_kind, entry.actor_id, entry.actor_name,
    entry.relation, entry.row_key, entry.operation, entry.before, entry.after)::text, 'UTF8')), 'hex')
$$;

-- What no log keeps: the compiled e-mail (its text is there), and when a row was last written. put_in_order() moves e-mails
-- through places above 10,000; the log tells only from where to where.
create function private.audited(entry jsonb) returns jsonb
language sql immutable set search_path = '' as $$
  select (entry - '{compiled,updated_at}'::text[])
    || case when (entry ->> 'position')::integer > 10000
            then jsonb_build_object('position', (entry ->> 'position')::integer - 10000) else '{}' end
$$;

-- What was written before there was a chain. Secret settings leave it first.
update public.audit_log set before = before - 'value', after = after - 'value'
where relation = 'app_settings' and 'true' in (before ->> 'is_secret', after ->> 'is_secret');
do $$
declare
  entry public.audit_log;
  written bigint;
  entries bigint := 0;
  head text := '';
begin
  for entry in select * from public.audit_log order by number loop
    written := entry.number;
    entries := entries + 1;
    entry.number := entries;
    entry.recorded_at := entry.happened_at;
    entry.previous_hash := head;
    entry.actor_kind := case when entry.actor_id is null then 'unknown' else 'person' end;
    entry.actor_name := coalesce((select p.full_name from public.profiles p where p.id = entry.actor_id), '');
    head := private.audit_hash(entry);
    update public.audit_log a
    set number = entry.number, recorded_at = entry.recorded_at, previous_hash = entry.previous_hash,
        actor_kind = entry.actor_kind, actor_name = entry.actor_name, hash = head
    where a.number = written;
  end loop;
end
$$;

alter table public.audit_log
  alter column recorded_at set not null,
  alter column previous_hash set not null,
  alter column hash set not null,
  alter column actor_kind drop default,
  alter column actor_name drop default,
  add primary key (number);
create index audit_log_by_time on public.audit_log (recorded_at);
-- What was forgiven a contact (private.standing_by_events asks).
create index audit_log_lifts on public.audit_log ((after ->> 'contact_id')) where operation = 'LIFT';

-- Whatever an INSERT says about number, time, person and hashes is overwritten here. One writer at a time: whoever
-- writes next waits for this transaction's end, and sees its entry.
create function private.chain_audit() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  last public.audit_log;
begin
  perform pg_advisory_xact_lock(hashtextextended('public.audit_log', 0));
  select * into last from public.audit_log order by number desc limit 1;
  new.number := coalesce(last.number, 0) + 1;
  new.previous_hash := coalesce(last.hash, '');
  new.recorded_at := private.server_clock();
  new.actor_id := private.user_id();
  new.actor_kind := case when new.actor_id is not null then 'person'
                         when current_setting('role', true) = 'service_role' then 'service' else 'operator' end;
  new.actor_name := case new.actor_kind
    when 'person' then coalesce(
      (select p.full_name from public.profiles p where p.id = new.actor_id),
      -- Somebody who is only just joining.
      nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'email', '')
    when 'operator' then session_user::text else '' end;
  new.hash := private.audit_hash(new);
  return new;
end
$$;
create trigger chain_audit before insert on public.audit_log
  for each row execute function private.chain_audit();
-- ALWAYS: also in a session that plays the part of a replica.
alter table public.audit_log
  enable always trigger chain_audit, enable always trigger refuse_change, enable always trigger refuse_truncate;

-- Fits any table: an entry's row_key is the row's primary key. A secret is never told, only that it changed.
create or replace function private.write_audit() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  was jsonb := case when tg_op <> 'INSERT' then to_jsonb(old) end;
  is_now jsonb := case when tg_op <> 'DELETE' then to_jsonb(new) end;
  secret text := case when 'true' in (was ->> 'is_secret', is_now ->> 'is_secret') then 'value' else 'secret' end;
  told boolean := tg_op = 'UPDATE' and (was -> secret) is distinct from (is_now -> secret);
begin
  was := private.audited(was) - secret;
  is_now := private.audited(is_now) - secret;
  if told then
    is_now := is_now || jsonb_build_object(secret, 'changed');
  end if;
  if was is not distinct from is_now then
    return null;
  end if;
  insert into public.audit_log (relation, row_key, operation, before, after)
  select tg_table_name, string_agg(coalesce(is_now, was) ->> a.attname, ' ' order by a.attnum), tg_op, was, is_now
  from pg_catalog.pg_index i
  join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (i.indkey)
  where i.indrelid = tg_relid and i.indisprimary;
  return null;
end
$$;

-- Of an erased contact the log keeps nothing by which anybody could tell who it was.
create function private.write_erasures() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  insert into public.audit_log (relation, row_key, operation, before)
  select 'contacts', e.id, 'ERASE', jsonb_build_object('contact_type', e.contact_type, 'created_at', e.created_at)
  from erased e order by e.id;
  return null;
end
$$;
create trigger write_erasures after delete on public.contacts
  referencing old table as erased for each statement execute function private.write_erasures();

-- Somebody takes rows out of the CRM. Pages call it before they offer the file. Returns the entry's number.
create function public.record_export(p_relation text, p_row_count bigint, p_description text, p_now timestamptz)
returns bigint language plpgsql security definer set search_path = '' as $$
declare
  written bigint;
begin
  if not private.is_staff() then
    raise exception 'Only staff export.' using errcode = '42501';
  end if;
  if to_regclass(format('public.%I', p_relation)) is null or p_row_count is null or p_row_count < 0
     or length(btrim(p_description)) not between 1 and 500 then
    raise exception 'Name what is exported, how many rows, and which.' using errcode = '22023';
  end if;
  perform set_config('mpt.now', p_now::text, true);
  insert into public.audit_log (relation, row_key, operation, after)
  values (p_relation, '', 'EXPORT', jsonb_build_object('row_count', p_row_count, 'description', btrim(p_description)))
  returning number into written;
  return written;
end
$$;

-- The log, newest first: p_before is the last number of the page before. Every filter is optional, times are those of
-- recording. Under the reader's own rights: who is no admin finds nothing.
create function public.find_audit(
  p_kind text, p_actor uuid, p_relations text[], p_operations text[], p_since timestamptz, p_until timestamptz,
  p_before bigint, p_limit integer)
returns setof public.audit_log
language sql stable set search_path = '' as $$
  select a.* from public.audit_log a
  where (p_kind is null or a.actor_kind = p_kind) and (p_actor is null or a.actor_id = p_actor)
    and (p_relations is null or a.relation = any (p_relations))
    and (p_operations is null or a.operation = any (p_operations))
    and (p_since is null or a.recorded_at >= p_since) and (p_until is null or a.recorded_at < p_until)
    and (p_before is null or a.number < p_before)
  order by a.number desc limit p_limit
$$;

-- Who stands in the log, each by the latest name.
create view public.audit_actors with (security_invoker = true) as
select distinct on (a.actor_kind, a.actor_id) a.actor_kind, a.actor_id,
       case when a.actor_kind = 'person' then a.actor_name else '' end as actor_name
from public.audit_log a order by a.actor_kind, a.actor_id, a.number desc;

-- Walks the chain. problem is empty, or what is wrong with the first entry that is off (broken_at): missing (there is none
-- of this number), changed (not as it was written), added (does not follow from the one before), or, for the whole,
-- cut_off: a head noted earlier (p_expected) is nowhere in it. Only that shows the loss of the newest entries.
create function public.verify_audit(p_expected text)
returns table (entries bigint, head text, problem text, broken_at bigint)
language plpgsql stable security definer set search_path = '' as $$
begin
  if not private.acts_as_service() and not private.is_admin() then
    raise exception 'Only admins check the audit log.' using errcode = '42501';
  end if;
  return query
  with walked as (
    select a.number, a.hash, a.previous_hash, private.audit_hash(a) as hash_now,
           lag(a.number, 1, 0::bigint) over chain as number_before, lag(a.hash, 1, '') over chain as hash_before,
           lead(a.previous_hash) over chain as named_after
    from public.audit_log a window chain as (order by a.number)),
  judged as (
    select w.number, w.hash, w.number_before, case
        when w.number > w.number_before + 1 then 'missing'
        when w.number <= w.number_before then 'added'
        when w.hash_now <> w.hash and w.previous_hash = w.hash_before then 'changed'
        -- The next entry goes by this one's hash: then it was the one before that was written anew.
        when w.previous_hash <> w.hash_before and w.hash_now = w.hash and w.named_after = w.hash and w.number > 1
          then 'changed_before'
        when w.previous_hash <> w.hash_before then 'added' end as fault
    from walked w),
  first_fault as (
    select case j.fault when 'changed_before' then 'changed' else j.fault end as fault,
           case j.fault when 'missing' then j.number_before + 1 when 'changed_before' then j.number - 1 else j.number end as at
    from judged j where j.fault is not null order by j.number limit 1),
  whole as (
    select count(*) as entries,
           coalesce(p_expected, '') = '' or coalesce(bool_or(j.hash = p_expected), false) as is_known from judged j)
  select w.entries, coalesce((select a.hash from public.audit_log a order by a.number desc limit 1), ''),
         coalesce(f.fault, case when w.is_known then '' else 'cut_off' end), f.at
  from whole w left join first_fault f on true;
end
$$;

-- Lifting what stops mail

alter table public.activities drop constraint activities_kind_check;
alter table public.activities add constraint activities_kind_check check (kind in (
  'contact_created', 'contact_imported', 'contact_updated', 'type_changed', 'archived', 'unarchived',
  'enrolled', 'enrollment_paused', 'enrollment_resumed', 'enrollment_stopped', 'enrollment_completed',
  'email_sent', 'email_failed', 'email_event', 'unsubscribed', 'suppressed', 'suppression_lifted', 'reply', 'auto_reply',
  'quiet', 'note', 'call', 'meeting', 'task'));

-- The address is kept here: without it nobody could say later what was lifted. lift_suppression() leaves its reason in
-- the transaction's settings.
create function private.write_lift() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  by_function boolean := coalesce(current_setting('mpt.lifting', true) = old.email, false);
begin
  insert into public.audit_log (relation, row_key, operation, before, after)
  values ('suppressions', old.email, case when by_function then 'LIFT' else 'DELETE' end, to_jsonb(old),
          case when by_function then jsonb_build_object(
            'reason', current_setting('mpt.lift_reason', true),
            'contact_id', (select c.id from public.contacts c where c.email = old.email)) end);
  return null;
end
$$;
drop trigger write_audit on public.suppressions;
create trigger write_lift after delete on public.suppressions
  for each row execute function private.write_lift();

-- As before, and lift_suppression() may free who said stop.
create or replace function private.apply_suppression() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  found_reason text;
begin
  if tg_op = 'UPDATE' then
    if (new.email, new.email_status) is not distinct from (old.email, old.email_status) then
      return new;
    end if;
    -- Who said stop stays stopped, whatever else is written.
    if old.email_status in ('unsubscribed', 'complained') and new.email_status not in ('unsubscribed', 'complained')
       and not coalesce(current_setting('mpt.lifting', true) = old.email, false) then
      new.email_status := old.email_status;
      new.email_status_reason := old.email_status_reason;
      new.email_status_at := old.email_status_at;
    end if;
    if new.email is distinct from old.email then
      if old.email_status in ('bounced', 'invalid') and new.email_status = old.email_status then
        new.email_status := 'ok';
        new.email_status_reason := '';
        new.email_status_at := private.clock();
      end if;
    end if;
  end if;
  if new.email_status = 'ok' then
    select s.reason into found_reason from public.suppressions s where s.email = new.email;
    if found_reason is not null then
      new.email_status := private.status_of_suppression(found_reason);
      new.email_status_reason := 'This address is on the suppression list.';
      new.email_status_at := private.clock();
    end if;
  end if;
  return new;
end
$$;

-- As before, but what was reported before a suppression was lifted is forgiven: else the next report of any kind would
-- bring it back. What is reported later counts, even if it happened earlier: nobody knew of it when it was lifted.
create or replace function private.standing_by_events(p_contacts uuid[])
returns table (contact_id uuid, status text, reason text, occurred_at timestamptz)
language sql stable security definer set search_path = '' as $$
  with forgiven as materialized (
    select (a.after ->> 'contact_id')::uuid as contact_id, max(a.happened_at) as at from public.audit_log a
    where a.operation = 'LIFT' and a.after ->> 'contact_id' = any (p_contacts::text[]) group by 1),
  counting as (
    select e.*, c.email as address from public.email_events e
    join public.contacts c on c.id = e.contact_id
    left join forgiven f on f.contact_id = e.contact_id
    where e.contact_id = any (p_contacts)
      and e.event in ('spamreport', 'unsubscribe', 'group_unsubscribe', 'bounce', 'dropped', 'blocked')
      and (f.at is null or e.received_at > f.at)),
  signs as (
    select e.contact_id, e.occurred_at, e.reason,
      case when e.event = 'spamreport' or (e.event = 'dropped' and e.reason ilike 'spam reporting address%') then 'complained'
           when e.event in ('unsubscribe', 'group_unsubscribe')
             or (e.event = 'dropped' and e.reason ilike 'unsubscribed address%') then 'unsubscribed'
           -- A late bounce of an address that was corrected meanwhile says nothing about the new one.
           when lower(e.email) in ('', e.address) and (e.event = 'bounce'
             or (e.event = 'dropped' and e.reason ilike 'bounced address%')) then 'bounced'
           when lower(e.email) in ('', e.address) and e.event = 'dropped' and e.reason ilike 'invalid%' then 'invalid' end as status
    from counting e),
  -- Turned away again and again is as good as bounced.
  turned_away as (
    select e.contact_id, e.occurred_at, 'Turned away repeatedly: ' || e.reason as reason, 'bounced' as status
    from counting e
    where e.event = 'blocked' and lower(e.email) = e.address
      and (select count(distinct b.send_id) from counting b
           where b.contact_id = e.contact_id and b.event = 'blocked' and lower(b.email) = b.address
             and b.occurred_at between e.occurred_at - interval '30 days' and e.occurred_at)
          >= (private.setting('soft_bounce_limit'))::text::integer)
  select distinct on (a.contact_id) a.contact_id, a.status, left(a.reason, 500), a.occurred_at
  from (select s.contact_id, s.status, s.reason, s.occurred_at from signs s where s.status is not null
        union all select t.contact_id, t.status, t.reason, t.occurred_at from turned_away t) a
  order by a.contact_id, private.weight_of(a.status) desc, a.occurred_at, a.reason
$$;

-- As before, but of several reports about an erased address the weightiest counts, in one batch as in many, and what a
-- reason says counts only where SendGrid dropped the e-mail for it.
create or replace function public.record_events(p_events text, p_now timestamptz)
returns table (stored bigint, repeated bigint, "foreign" bigint)
language plpgsql security definer set search_path = '' set enable_seqscan = off as $$
begin
  perform set_config('mpt.now', p_now::text, true);
  -- Heard of, whoever the events are about; once a minute is often enough.
  update public.app_settings a set value = to_jsonb(p_now), updated_at = p_now
  where a.key = 'events_heard_at' and (a.value = 'null' or (a.value #>> '{}')::timestamptz < p_now - interval '1 minute');
  with incoming as (
    select i.*, nullif(i.send_id, '')::uuid as ours
    from jsonb_to_recordset(p_events::jsonb) as i (
      event text, occurred_at timestamptz, email text, send_id text, request_id text, message_id text,
      provider_event_id text, url text, attempt text, reason text, user_agent text, ip text,
      says_machine boolean, payload jsonb)),
  known as (
    select i.*, s.id as send, coalesce(s.contact_id, c.id) as contact
    from incoming i
    left join public.email_sends s on s.id = i.ours
    left join public.contacts c on s.id is null and c.email = i.email),
  inserted as (
    insert into public.email_events
      (send_id, contact_id, event, occurred_at, message_id, email, url, attempt, reason, provider_event_id,
       request_id, user_agent, ip, says_machine, payload, received_at)
    select k.send, k.contact, k.event, k.occurred_at, k.message_id, k.email, k.url, k.attempt, k.reason,
           k.provider_event_id, nullif(k.request_id, '')::uuid, k.user_agent, k.ip, k.says_machine, k.payload, p_now
    from known k where k.contact is not null
    order by k.message_id, k.event, k.occurred_at, k.email, k.url, k.attempt
    on conflict on constraint same_event_once do nothing
    returning 1),
  stopped as (
    insert into public.suppressions (email, reason, source, created_at)
    select distinct on (x.email) x.email, x.reason, 'event', p_now
    from (
      select k.email, case
          when k.event = 'spamreport' or (k.event = 'dropped' and k.reason ilike 'spam reporting address%') then 'complaint'
          when k.event = 'bounce' or (k.event = 'dropped' and k.reason ilike 'bounced address%') then 'hard_bounce'
          else 'unsubscribed' end as reason
      from known k
      where k.contact is null and k.ours is not null and k.email <> ''
        and (k.event in ('spamreport', 'bounce', 'unsubscribe', 'group_unsubscribe')
             or (k.event = 'dropped' and k.reason ~* '^(spam reporting|bounced|unsubscribed) address'))) x
    order by x.email, array_position('{complaint,unsubscribed,hard_bounce}', x.reason)
    on conflict (email) do update set reason = excluded.reason
      where private.is_weaker(suppressions.reason, excluded.reason))
  select (select count(*) from inserted), count(*) filter (where k.contact is not null) - (select count(*) from inserted),
         count(*) filter (where k.contact is null)
  into stored, repeated, "foreign" from known k;
  return next;
end
$$;

-- An admin vouches that this address may be written to again. No campaign starts by itself. False if it is not on the list.
create function public.lift_suppression(p_email text, p_reason text, p_now timestamptz) returns boolean
language plpgsql security definer set search_path = '' as $$
declare
  address text := lower(btrim(p_email));
  person uuid;
  lifted boolean;
begin
  if not private.is_admin() then
    raise exception 'Only admins lift a suppression.' using errcode = '42501';
  end if;
  if coalesce(length(btrim(p_reason)), 0) not between 1 and 500 then
    raise exception 'Say in at most 500 characters why this address may be written to again.' using errcode = 'MP006';
  end if;
  perform set_config('mpt.now', p_now::text, true), set_config('mpt.lifting', address, true),
          set_config('mpt.lift_reason', btrim(p_reason), true);
  select c.id into person from public.contacts c where c.email = address and c.email_status <> 'ok' for no key update;
  -- Stopped without being listed, as by an operator's hand: it is listed first, so that its lifting is on record.
  insert into public.suppressions (email, reason, source, created_at)
  select c.email, private.suppression_of_status(c.email_status), 'contact', p_now
  from public.contacts c where c.id = person on conflict (email) do nothing;
  delete from public.suppressions where email = address;
  lifted := found;
  update public.contacts set email_status = 'ok', email_status_reason = '', email_status_at = p_now, updated_at = p_now
  where id = person;
  insert into public.activities (contact_id, occurred_at, kind, summary)
  select person, p_now, 'suppression_lifted', 'May be written to again: ' || btrim(p_reason) where person is not null;
  perform set_config('mpt.lifting', '', true), set_config('mpt.lift_reason', '', true);
  return lifted;
end
$$;

-- As before, but a pause that was asked for is never told as an absence, so that ending the absence cannot end it.
create or replace function private.keep_quiet(p_contact uuid, p_until timestamptz, p_reason text, p_now timestamptz)
returns boolean language plpgsql security definer set search_path = '' as $$
begin
  update public.contacts c
  set quiet_until = greatest(c.quiet_until, p_until), updated_at = p_now,
      quiet_reason = case when c.quiet_reason = 'asked_for_a_pause' and c.quiet_until > p_now then c.quiet_reason
                          else p_reason end
  where c.id = p_contact
    and (coalesce(c.quiet_until, p_now) < p_until
         or (p_reason = 'asked_for_a_pause' and c.quiet_reason <> p_reason and p_until > p_now));
  return found;
end
$$;

-- Somebody is back earlier than their out-of-office reply said: what waited for it is due at once. False if there is no
-- such hold. A pause the person asked for stays (private.keep_pause).
create function public.end_quiet(p_contact uuid, p_now timestamptz) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  if private.acts_as_service() or cardinality(private.changeable(array[p_contact])) = 0 then
    raise exception 'Only the owner or an admin ends a hold.' using errcode = '42501';
  end if;
  perform set_config('mpt.now', p_now::text, true);
  update public.contacts c set quiet_until = null, quiet_reason = '', updated_at = p_now
  where c.id = p_contact and c.quiet_until > p_now;
  if not found then
    return false;
  end if;
  update public.campaign_enrollments e set next_send_at = p_now, updated_at = p_now
  where e.contact_id = p_contact and e.status = 'active' and e.next_send_at > p_now
    and e.next_send_at = (select d.until from public.drip_decisions d
                          where d.enrollment_id = e.id and d.reason = 'quiet' order by d.id desc limit 1);
  insert into public.activities (contact_id, occurred_at, kind, summary)
  values (p_contact, p_now, 'quiet', 'Back already: the out-of-office hold was ended by hand');
  return true;
end
$$;

revoke all on public.audit_actors from public, anon, authenticated, service_role;
revoke all on function
  private.server_clock(), private.audit_hash(public.audit_log), private.audited(jsonb), private.chain_audit(),
  private.write_erasures(), private.write_lift(),
  public.record_export(text, bigint, text, timestamptz),
  public.find_audit(text, uuid, text[], text[], timestamptz, timestamptz, bigint, integer), public.verify_audit(text),
  public.lift_suppression(text, text, timestamptz), public.end_quiet(uuid, timestamptz)
  from public, anon, authenticated, service_role;
grant select on public.audit_actors to authenticated, service_role;
grant execute on function
  public.find_audit(text, uuid, text[], text[], timestamptz, timestamptz, bigint, integer), public.verify_audit(text)
  to authenticated, service_role;
grant execute on function
  public.record_export(text, bigint, text, timestamptz), public.lift_suppression(text, text, timestamptz),
  public.end_quiet(uuid, timestamptz)
  to authenticated;
