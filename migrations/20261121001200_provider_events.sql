-- What the provider reports, and what follows from it. Everything here is a function of the set of events, never
-- of their order or number: SendGrid repeats events, reorders them, and delivers some of them hours late.

alter table public.email_events drop constraint email_events_event_check;
alter table public.email_events add constraint email_events_event_check check (event in (
  'processed', 'delivered', 'deferred', 'bounce', 'blocked', 'dropped', 'open', 'click',
  'spamreport', 'unsubscribe', 'group_unsubscribe', 'group_resubscribe', 'reply', 'auto_reply'));
create index email_events_replies on public.email_events (message_id) where event in ('reply', 'auto_reply');

-- What an address did weighs less than what the person asked for; a complaint weighs most.
create or replace function private.is_weaker(reason text, other text) returns boolean
language sql immutable set search_path = '' as $$
  select coalesce(array_position('{invalid,hard_bounce}', reason),
                  case reason when 'complaint' then 4 else 3 end)
       < coalesce(array_position('{invalid,hard_bounce}', other),
                  case other when 'complaint' then 4 else 3 end)
$$;
create function private.weight_of(email_status text) returns integer
language sql immutable set search_path = '' as $$
  select coalesce(array_position('{ok,replied,invalid,bounced,unsubscribed,complained}', email_status), 0)
$$;

-- Stores a batch (a JSON array of crm/records IncomingEvent) and lets its consequences follow. An event about
-- somebody we never wrote to is foreign: another program of the same account. An event about an erased contact
-- leaves no trace, but whoever bounced, complained or unsubscribed stays suppressed.
create function public.record_events(p_events text, p_now timestamptz)
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
    select distinct on (k.email) k.email,
           case when k.event = 'spamreport' or k.reason ilike 'spam reporting address%' then 'complaint'
                when k.event = 'bounce' or k.reason ilike 'bounced address%' then 'hard_bounce' else 'unsubscribed' end,
           'event', p_now
    from known k
    where k.contact is null and k.ours is not null and k.email <> ''
      and (k.event in ('spamreport', 'bounce', 'unsubscribe', 'group_unsubscribe')
           or (k.event = 'dropped' and k.reason ~* '^(spam reporting|bounced|unsubscribed) address'))
    order by k.email, k.event = 'spamreport' desc, k.event = 'bounce'
    on conflict (email) do update set reason = excluded.reason
      where private.is_weaker(suppressions.reason, excluded.reason))
  select (select count(*) from inserted), count(*) filter (where k.contact is not null) - (select count(*) from inserted),
         count(*) filter (where k.contact is null)
  into stored, repeated, "foreign" from known k;
  return next;
end
$$;

-- Which opens and clicks were a machine's. Kept in one place so that it can improve: rescore_events() judges
-- everything again. Sources: SendGrid marks Apple's privacy proxy itself (sg_machine_open); gateways name
-- themselves in the user agent; the layout hides a link that no person sees; nobody clicks three links at once.
create function private.score_events(p_sends uuid[]) returns bigint
language plpgsql security definer set search_path = '' set enable_seqscan = off as $$
declare
  changed bigint;
begin
  -- Found by their send alone: the unique key leads to every open and click there ever was.
  with told as materialized (
    select e.id, e.send_id, e.event, e.occurred_at, e.url, e.ip, e.user_agent, e.says_machine, e.is_machine,
           e.machine_reason
    from public.email_events e where e.send_id = any (p_sends)),
  delivered as (
    select t.send_id, min(t.occurred_at) as at from told t where t.event = 'delivered' group by t.send_id),
  traps as materialized (
    select t.id, t.send_id, t.ip, t.occurred_at from told t
    where t.event = 'click' and t.url ~ '/unsubscribe/[^/?#]+/hidden'),
  judged as materialized (
    select t.id, t.is_machine, t.machine_reason, case
      when t.says_machine then 'machine_open'
      when t.user_agent ~* '(barracuda|proofpoint|mimecast|zscaler|symantec|messagelabs|trend ?micro|fireeye|trellix|cisco|ironport|forcepoint|sophos|safelinks|fortinet|cloudmark|(?<!cu)bot\M|crawler|spider|headless|phantomjs|python-|curl/|wget/|go-http-client|okhttp|java/)'
        then 'security_gateway'
      when t.send_id in (select h.send_id from traps h) and exists (
        select from traps h
        where h.send_id = t.send_id and (h.id = t.id or (h.ip = t.ip
          and t.occurred_at between h.occurred_at - interval '1 minute' and h.occurred_at + interval '1 minute')))
        then 'honeypot'
      when t.event = 'click' and t.occurred_at <= d.at + interval '1 minute' and (
        select count(distinct o.url) from public.email_events o
        where o.send_id = t.send_id and o.event = 'click'
          and o.occurred_at between t.occurred_at - interval '10 seconds' and t.occurred_at + interval '10 seconds') >= 3
        then 'click_burst'
      when t.occurred_at <= d.at + interval '2 seconds' then 'faster_than_people'
      else '' end as reason
    from told t left join delivered d on d.send_id = t.send_id
    where t.event in ('open', 'click'))
  update public.email_events e
  set machine_reason = j.reason, is_machine = j.reason <> ''
  from judged j
  where e.id = j.id and (j.machine_reason <> j.reason or j.is_machine <> (j.reason <> ''));
  get diagnostics changed = row_count;
  return changed;
end
$$;

-- Brings sends in line with their events. Returns nothing; what became a bounce just now is counted.
create function private.follow_events(p_sends uuid[], p_now timestamptz) returns void
language plpgsql security definer set search_path = '' set enable_seqscan = off as $$
declare
  bounced uuid[];
begin
  -- Locked before they are looked at: of two batches about one e-mail, the later sees the events of both.
  perform from public.email_sends s where s.id = any (p_sends) order by s.id for no key update;
  perform private.accept_by_evidence(p_sends, 'proven_sent', 'The provider reported on it, so it went out.', p_now);
  perform private.score_events(p_sends);
  with said as (
    select e.send_id,
      -- private.send_rank in numbers: a function with its own search_path is called row by row.
      max(case when e.event = 'bounce' then 4 when e.event = 'dropped' then 3
               when e.event in ('delivered', 'open', 'click', 'spamreport', 'unsubscribe', 'group_unsubscribe') then 2
               else 1 end) as rank,
      min(e.occurred_at) filter (where e.event = 'delivered') as delivered_at,
      min(e.occurred_at) filter (where e.event = 'open' and not e.is_machine) as opened_at,
      min(e.occurred_at) filter (where e.event = 'click' and not e.is_machine) as clicked_at,
      min(e.message_id) filter (where e.message_id <> '') as message_id
    from public.email_events e where e.send_id = any (p_sends) group by e.send_id),
  before as (
    select s.id, s.status, s.first_event_at, s.request_id from public.email_sends s where s.id = any (p_sends)),
  now_is as (
    update public.email_sends s
    set status = case when x.rank > private.send_rank(b.status)
                      then (array['accepted', 'delivered', 'dropped', 'bounced'])[x.rank] else b.status end,
        delivered_at = x.delivered_at, first_opened_at = x.opened_at, first_clicked_at = x.clicked_at,
        provider_message_id = coalesce(s.provider_message_id, x.message_id),
        first_event_at = coalesce(b.first_event_at, p_now)
    from before b join said x on x.send_id = b.id
    where s.id = b.id
    returning s.id, s.status, b.status as was, b.first_event_at, b.request_id),
  heard as (
    update public.send_requests r
    set heard_of_count = r.heard_of_count + n.many, first_event_at = coalesce(r.first_event_at, p_now)
    from (select request_id, count(*)::integer as many from now_is where first_event_at is null group by request_id) n
    where r.id = n.request_id)
  select array_agg(n.id) into bounced from now_is n where n.status = 'bounced' and n.was <> 'bounced';
  if bounced is not null then
    perform private.count_for_breakers(bounced, 'bounced');
  end if;
end
$$;

-- What all events of these contacts say about writing to them: the weightiest, the earliest of its kind.
create function private.standing_by_events(p_contacts uuid[])
returns table (contact_id uuid, status text, reason text, occurred_at timestamptz)
language sql stable security definer set search_path = '' as $$
  with signs as (
    select e.contact_id, e.occurred_at, e.reason, c.email,
      case when e.event = 'spamreport' or (e.event = 'dropped' and e.reason ilike 'spam reporting address%') then 'complained'
           when e.event in ('unsubscribe', 'group_unsubscribe')
             or (e.event = 'dropped' and e.reason ilike 'unsubscribed address%') then 'unsubscribed'
           -- A late bounce of an address that was corrected meanwhile says nothing about the new one.
           when lower(e.email) in ('', c.email) and (e.event = 'bounce'
             or (e.event = 'dropped' and e.reason ilike 'bounced address%')) then 'bounced'
           when lower(e.email) in ('', c.email) and e.event = 'dropped' and e.reason ilike 'invalid%' then 'invalid' end as status
    from public.email_events e join public.contacts c on c.id = e.contact_id
    where e.contact_id = any (p_contacts)
      and e.event in ('spamreport', 'unsubscribe', 'group_unsubscribe', 'bounce', 'dropped')),
  -- Turned away again and again is as good as bounced.
  turned_away as (
    select e.contact_id, e.occurred_at, 'Turned away repeatedly: ' || e.reason as reason, 'bounced' as status
    from public.email_events e join public.contacts c on c.id = e.contact_id
    where e.contact_id = any (p_contacts) and e.event = 'blocked' and lower(e.email) = c.email
      and (select count(distinct b.send_id) from public.email_events b
           where b.contact_id = e.contact_id and b.event = 'blocked' and lower(b.email) = c.email
             and b.occurred_at between e.occurred_at - interval '30 days' and e.occurred_at)
          >= (private.setting('soft_bounce_limit'))::text::integer)
  select distinct on (a.contact_id) a.contact_id, a.status, left(a.reason, 500), a.occurred_at
  from (select s.contact_id, s.status, s.reason, s.occurred_at from signs s where s.status is not null
        union all select t.contact_id, t.status, t.reason, t.occurred_at from turned_away t) a
  order by a.contact_id, private.weight_of(a.status) desc, a.occurred_at, a.reason
$$;

create or replace function private.on_events_added() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  moment timestamptz := private.clock();
  troubled uuid[];
  complaints uuid[];
begin
  update public.send_requests r set proven_at = moment
  where r.proven_at is null and r.id in (select a.request_id from added a);
  -- Proven after all: what was to be sent again from that request was taken.
  perform private.accept_by_evidence(array(
      select s.id from public.send_requests r
      join public.email_sends s on s.scheduler_run_id = r.scheduler_run_id and s.request_id = r.id
      where r.resent_at is not null and s.status in ('retry', 'unconfirmed') and r.id in (select a.request_id from added a)),
    'proven_sent', 'The provider reported on the request it travelled in, so it went out.', moment);
  perform private.follow_events(array(
    select distinct a.send_id from added a where a.send_id is not null and a.event not in ('reply', 'auto_reply')), moment);

  troubled := array(select distinct a.contact_id from added a
    where a.event in ('spamreport', 'unsubscribe', 'group_unsubscribe', 'bounce', 'dropped', 'blocked'));
  if cardinality(troubled) > 0 then
    perform from public.contacts c where c.id = any (troubled) order by c.id for no key update;
    with standing as (select * from private.standing_by_events(troubled)),
    changed as (
      update public.contacts c
      set email_status = e.status, email_status_reason = e.reason, email_status_at = e.occurred_at, updated_at = moment
      from standing e
      where c.id = e.contact_id
        and (private.weight_of(e.status) > private.weight_of(c.email_status)
             or (e.status = c.email_status and (e.occurred_at, e.reason) < (c.email_status_at, c.email_status_reason)))
      returning c.id, c.email_status)
    -- Reports of one mishap arrive in any order: the weightiest of a day is the reason that stays.
    update public.campaign_enrollments x set reason = ch.email_status, updated_at = moment
    from changed ch
    where x.contact_id = ch.id and x.status = 'stopped' and x.ended_at > moment - interval '1 day'
      and x.reason in ('replied', 'invalid', 'bounced', 'unsubscribed')
      and private.weight_of(x.reason) < private.weight_of(ch.email_status);

    complaints := array(select distinct a.send_id from added a
      where a.event = 'spamreport' and a.send_id is not null and not exists (
        select from public.email_events o where o.send_id = a.send_id and o.event = 'spamreport'
          and o.id not in (select n.id from added n)));
    perform private.count_for_breakers(complaints, 'complained');
    perform private.trip_breakers(moment);
  end if;

  perform private.stop_enrollments(
    array(select contact_id from added where event = 'reply' and contact_id is not null), 'replied', moment);
  return null;
end
$$;

-- Judges every open and click since then again, after the rules improved.
create function public.rescore_events(p_since timestamptz) returns bigint
language plpgsql security definer set search_path = '' as $$
declare
  changed bigint := 0;
  part_of_them uuid[];
begin
  for part_of_them in
    select array_agg(x.send_id) from (
      select distinct e.send_id, dense_rank() over (order by e.send_id) / 5000 as part
      from public.email_events e
      where e.event in ('open', 'click') and e.send_id is not null and e.occurred_at >= p_since) x
    group by x.part
  loop
    changed := changed + private.score_events(part_of_them);
    update public.email_sends s
    set first_opened_at = x.opened_at, first_clicked_at = x.clicked_at
    from (select e.send_id, min(e.occurred_at) filter (where e.event = 'open' and not e.is_machine) as opened_at,
                 min(e.occurred_at) filter (where e.event = 'click' and not e.is_machine) as clicked_at
          from public.email_events e where e.send_id = any (part_of_them) group by e.send_id) x
    where s.id = x.send_id and (s.first_opened_at, s.first_clicked_at) is distinct from (x.opened_at, x.clicked_at);
  end loop;
  return changed;
end
$$;

create view public.event_list with (security_invoker = true) as
select e.id, e.contact_id, e.send_id, e.event, e.occurred_at, e.url, e.reason, e.is_machine, e.machine_reason,
       t.name as template_name
from public.email_events e
left join public.email_sends s on s.id = e.send_id
left join public.drip_campaign_templates t on t.id = s.template_id;

-- When the provider was last heard of, and what could not be used within 30 days; no names, no addresses.
create function public.webhook_health()
returns table (last_event_at timestamptz, last_reply_at timestamptz, quarantined bigint)
language sql stable security definer set search_path = '' as $$
  select greatest((private.setting('events_heard_at') #>> '{}')::timestamptz,
           (select e.received_at from public.email_events e where e.event not in ('reply', 'auto_reply')
            order by e.id desc limit 1)),
         (select max(e.received_at) from public.email_events e where e.event in ('reply', 'auto_reply')),
         (select count(*) from public.quarantined_messages q
          where q.received_at > private.clock() - interval '30 days')
  where private.acts_as_service() or private.is_staff()
$$;

-- Campaigns whose recent e-mails bounced, were complained about or were refused too often stop by themselves.
create function private.trip_breakers(p_now timestamptz) returns void
language plpgsql security definer set search_path = '' as $$
begin
  with recent as (
    select b.campaign_id, sum(b.accepted) as accepted, sum(b.failed) as failed, sum(b.bounced) as bounced,
           sum(b.complained) as complained
    from public.breaker_counts b
    where b.sent_on > (p_now at time zone 'UTC')::date - (private.setting('breaker_days'))::text::integer
    group by b.campaign_id),
  judged as (
    select r.campaign_id, case
      when r.bounced * 100 >= r.accepted * (private.setting('breaker_bounce_percent'))::text::numeric and r.bounced > 0
        then format('%s of the last %s e-mails bounced (%s %%)', r.bounced, r.accepted, round(100.0 * r.bounced / greatest(r.accepted, 1), 1))
      -- One complaint among few e-mails is an opinion; two are a sign.
      when r.complained * 100 >= r.accepted * (private.setting('breaker_complaint_percent'))::text::numeric and r.complained > 1
        then format('%s of the last %s e-mails were marked as spam (%s %%)', r.complained, r.accepted, round(100.0 * r.complained / greatest(r.accepted, 1), 1))
      when r.failed * 100 >= (r.accepted + r.failed) * (private.setting('breaker_failure_percent'))::text::numeric and r.failed > 0
        then format('%s of the last %s e-mails were refused (%s %%)', r.failed, r.accepted + r.failed, round(100.0 * r.failed / (r.accepted + r.failed), 1))
      end as trouble
    from recent r
    where r.accepted + r.failed >= (private.setting('breaker_least_sends'))::text::integer)
  update public.drip_campaigns d
  set status = 'paused', paused_reason = 'Stopped by itself: ' || j.trouble || '.', updated_at = p_now
  from judged j where d.id = j.campaign_id and d.status = 'active' and j.trouble is not null;
end
$$;

-- Resumed: what was sent before is known and forgiven, its late bounces too; the next e-mails are judged by themselves.
create function private.on_campaign_resumed() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  delete from public.breaker_counts where campaign_id = new.id;
  new.counted_since := case when new.updated_at > old.updated_at then new.updated_at else private.clock() end;
  return new;
end
$$;
create trigger on_campaign_resumed before update of status on public.drip_campaigns
  for each row when (old.status = 'paused' and new.status = 'active')
  execute function private.on_campaign_resumed();

revoke all on function
  private.weight_of(text), private.score_events(uuid[]),
  private.follow_events(uuid[], timestamptz), private.standing_by_events(uuid[]), private.trip_breakers(timestamptz),
  private.on_campaign_resumed(), public.record_events(text, timestamptz), public.rescore_events(timestamptz),
  public.webhook_health()
  from public, anon, authenticated, service_role;
grant execute on function
  public.record_events(text, timestamptz), public.rescore_events(timestamptz), public.webhook_health(),
  private.trip_breakers(timestamptz)
  to service_role;
grant execute on function public.webhook_health() to authenticated;
grant select on public.event_list to authenticated, service_role;
