-- What the e-mails led to, counted. Counting from the raw rows takes seconds at 800,000 e-mails and two million events
-- (an open or a reply is found event by event), so every accepted e-mail has one short row with what became of it, and
-- every contact that was ever enrolled one with what it ever did. Both are a function of the raw rows alone: whenever
-- something happens to a contact it goes into a queue, and all its e-mails are judged again from the beginning. Late,
-- repeated and reordered events change nothing.

create table private.email_outcomes (
  send_id uuid primary key references public.email_sends (id) on delete cascade,
  -- Who got it: of merged contacts the one that was kept.
  person_id uuid not null,
  campaign_id uuid not null,
  enrollment_id uuid not null,
  -- When its enrollment began.
  enrolled_at timestamptz not null,
  sent_at timestamptz not null,
  step smallint not null,
  delivered boolean not null,
  bounced boolean not null,
  dropped boolean not null,
  -- By people; the raw ones by machines too.
  opened boolean not null,
  opened_raw boolean not null,
  clicked boolean not null,
  clicked_raw boolean not null,
  replied boolean not null,
  complained boolean not null,
  unsubscribed boolean not null,
  converted_at timestamptz,
  -- The eleven answers as one number: few different ones exist, so sums first count how often each occurs.
  answers smallint not null generated always as (
    delivered::integer + 2 * bounced::integer + 4 * dropped::integer + 8 * opened::integer + 16 * opened_raw::integer
    + 32 * clicked::integer + 64 * clicked_raw::integer + 128 * replied::integer + 256 * complained::integer
    + 512 * unsubscribed::integer + 1024 * (converted_at is not null)::integer) stored
) with (fillfactor = 80);
comment on table private.email_outcomes is
  'One row an e-mail that the provider accepted; derived, and rebuilt by recount_outcomes().';
create index email_outcomes_of_person on private.email_outcomes (person_id);
create index email_outcomes_of_campaign on private.email_outcomes (campaign_id, sent_at) include (step, answers);
create index email_outcomes_of_cohort on private.email_outcomes (campaign_id, enrolled_at)
  include (enrollment_id, answers);
create index email_outcomes_converted on private.email_outcomes (campaign_id, sent_at) where converted_at is not null;
create index email_outcomes_successful on private.email_outcomes (campaign_id, enrolled_at) include (enrollment_id)
  where replied or converted_at is not null;

create table private.contact_outcomes (
  contact_id uuid primary key references public.contacts (id) on delete cascade,
  contact_type text not null,
  archived boolean not null,
  opened boolean not null,
  clicked boolean not null,
  replied boolean not null,
  converted boolean not null
) with (fillfactor = 80);
comment on table private.contact_outcomes is
  'One row a contact that was ever enrolled, merged ones in the row of the one kept; derived as email_outcomes is.';

-- Whose e-mails are to be judged again. Only ever added to and taken from: nobody waits here for anybody.
create table private.outcome_queue (
  id bigint generated always as identity primary key,
  contact_id uuid not null
);

create index enrollments_begun on public.campaign_enrollments (campaign_id, enrolled_at);
create index enrollments_ended on public.campaign_enrollments (campaign_id, ended_at, status)
  where ended_at is not null;

create function private.queue_outcomes() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  insert into private.outcome_queue (contact_id) select distinct a.contact_id from added a where a.contact_id is not null;
  return null;
end
$$;
create function private.queue_outcomes_of_activities() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  insert into private.outcome_queue (contact_id)
  select distinct a.contact_id from added a
  where a.kind in ('enrolled', 'email_sent', 'unsubscribed', 'archived', 'unarchived', 'merged');
  return null;
end
$$;
create trigger queue_outcomes after insert on public.email_events
  referencing new table as added for each statement execute function private.queue_outcomes();
create trigger queue_outcomes after insert on public.type_changes
  referencing new table as added for each statement execute function private.queue_outcomes();
create trigger queue_outcomes after insert on public.activities
  referencing new table as added for each statement execute function private.queue_outcomes_of_activities();

-- Judges all e-mails of these people. What names no e-mail (a reply, the unsubscribe link, a change of type) counts for
-- the last one handed over to the person before it. A merge itself is nobody's wish and no step forward.
create function private.judge_emails(p_people uuid[]) returns void
language sql security definer set search_path = '' set enable_seqscan = off set work_mem = '32MB' as $$
  with family as materialized (
    select c.id, c.id as person from public.contacts c where c.id = any (p_people)
    union all
    select c.id, c.merged_into from public.contacts c where c.merged_into = any (p_people)),
  mail as materialized (
    select s.id, f.person, s.campaign_id, s.step, s.enrollment_id, s.handed_over_at, s.status,
           s.first_opened_at is not null as opened, s.first_clicked_at is not null as clicked,
           lead(s.handed_over_at, 1, 'infinity') over (partition by f.person order by s.handed_over_at, s.id) as next_at
    from family f join public.email_sends s on s.contact_id = f.id
    where s.status in ('accepted', 'delivered', 'bounced', 'dropped')),
  told as materialized (
    select e.send_id, f.person, e.event, e.occurred_at, e.received_at
    from family f join public.email_events e on e.contact_id = f.id
    where e.event in ('open', 'click', 'reply', 'spamreport', 'unsubscribe', 'group_unsubscribe')),
  merges as (
    select f.person, a.occurred_at from family f join public.activities a on a.contact_id = f.id where a.kind = 'merged'),
  signs as (
    select t.send_id, t.person, t.occurred_at as at,
           case t.event when 'reply' then 'replied' when 'spamreport' then 'complained' else 'unsubscribed' end as sign
    from told t where t.event not in ('open', 'click')
    union all
    -- By link, on the preference page or in a reply: nobody of the staff wrote it. An event that stopped the contact
    -- is told on the timeline in the same moment, and counts as the event.
    select null, f.person, a.occurred_at, 'unsubscribed'
    from family f join public.activities a on a.contact_id = f.id
    where a.kind = 'unsubscribed' and a.actor_id is null and (f.person, a.occurred_at) not in (
      select t.person, t.received_at from told t where t.event in ('unsubscribe', 'group_unsubscribe')
      union all select m.person, m.occurred_at from merges m)
    union all
    select null, f.person, h.changed_at, 'converted'
    from family f join public.type_changes h on h.contact_id = f.id
    where h.is_forward and (f.person, h.changed_at) not in (select m.person, m.occurred_at from merges m)),
  placed as (
    select g.send_id, g.sign, g.at from signs g where g.send_id is not null
    union all
    -- In hours: days would be shorter or longer with the clocks of the session's zone.
    select m.id, g.sign, g.at
    from signs g join mail m on m.person = g.person and m.handed_over_at <= g.at and m.next_at > g.at
    where g.send_id is null and (g.sign <> 'converted' or g.at <= m.handed_over_at + interval '2160 hours')),
  summed as (
    select p.send_id, bool_or(p.sign = 'replied') as replied, bool_or(p.sign = 'complained') as complained,
           bool_or(p.sign = 'unsubscribed') as unsubscribed, min(p.at) filter (where p.sign = 'converted') as converted_at
    from placed p group by p.send_id),
  by_anybody as (
    select t.send_id, bool_or(t.event = 'open') as opened, bool_or(t.event = 'click') as clicked
    from told t where t.event in ('open', 'click') group by t.send_id)
  insert into private.email_outcomes as o
    (send_id, person_id, campaign_id, enrollment_id, enrolled_at, sent_at, step, delivered, bounced, dropped,
     opened, opened_raw, clicked, clicked_raw, replied, complained, unsubscribed, converted_at)
  select m.id, m.person, m.campaign_id, m.enrollment_id, e.enrolled_at, m.handed_over_at, m.step,
         m.status = 'delivered', m.status = 'bounced', m.status = 'dropped', m.opened, coalesce(r.opened, false),
         m.clicked, coalesce(r.clicked, false), coalesce(x.replied, false), coalesce(x.complained, false),
         coalesce(x.unsubscribed, false), x.converted_at
  from mail m
  join public.campaign_enrollments e on e.id = m.enrollment_id
  left join summed x on x.send_id = m.id
  left join by_anybody r on r.send_id = m.id
  on conflict (send_id) do update
  set person_id = excluded.person_id, delivered = excluded.delivered, bounced = excluded.bounced,
      dropped = excluded.dropped, opened = excluded.opened, opened_raw = excluded.opened_raw, clicked = excluded.clicked,
      clicked_raw = excluded.clicked_raw, replied = excluded.replied, complained = excluded.complained,
      unsubscribed = excluded.unsubscribed, converted_at = excluded.converted_at
  where (o.person_id, o.delivered, o.bounced, o.dropped, o.opened, o.opened_raw, o.clicked, o.clicked_raw, o.replied,
         o.complained, o.unsubscribed, o.converted_at) is distinct from
        (excluded.person_id, excluded.delivered, excluded.bounced, excluded.dropped, excluded.opened,
         excluded.opened_raw, excluded.clicked, excluded.clicked_raw, excluded.replied, excluded.complained,
         excluded.unsubscribed, excluded.converted_at)
$$;

-- After their e-mails: what these people ever did.
create function private.judge_people(p_people uuid[]) returns void
language sql security definer set search_path = '' set enable_seqscan = off set work_mem = '32MB' as $$
  insert into private.contact_outcomes as o (contact_id, contact_type, archived, opened, clicked, replied, converted)
  select c.id, c.contact_type, c.archived_at is not null, coalesce(d.opened, false), coalesce(d.clicked, false),
         coalesce(d.replied, false), coalesce(d.converted, false)
  from public.contacts c
  left join (
    select y.person_id, bool_or(y.opened) as opened, bool_or(y.clicked) as clicked, bool_or(y.replied) as replied,
           bool_or(y.converted_at is not null) as converted
    from private.email_outcomes y
    where y.person_id = any (p_people) group by y.person_id) d on d.person_id = c.id
  where c.id = any (p_people) and exists (
    select from public.contacts f join public.campaign_enrollments e on e.contact_id = f.id
    where f.id = c.id or f.merged_into = c.id)
  on conflict (contact_id) do update
  set contact_type = excluded.contact_type, archived = excluded.archived, opened = excluded.opened,
      clicked = excluded.clicked, replied = excluded.replied, converted = excluded.converted
  where (o.contact_type, o.archived, o.opened, o.clicked, o.replied, o.converted) is distinct from
        (excluded.contact_type, excluded.archived, excluded.opened, excluded.clicked, excluded.replied, excluded.converted)
$$;

-- Judges these contacts and returns whom it left out: somebody who is being erased or merged in this moment. (A row
-- about an e-mail that goes away just now would break the reference.)
create function private.judge_outcomes(p_contacts uuid[]) returns uuid[]
language plpgsql security definer set search_path = '' as $$
declare
  kept uuid[] := array(
    select distinct coalesce(c.merged_into, c.id) from public.contacts c where c.id = any (p_contacts));
  people uuid[] := array(
    select c.id from public.contacts c where c.id = any (kept) order by c.id for key share skip locked);
begin
  perform private.judge_emails(people);
  perform private.judge_people(people);
  -- Whoever was merged is told in the row of the one kept.
  delete from private.contact_outcomes o using public.contacts c
  where o.contact_id = c.id and c.merged_into = any (people);
  return array(select k from unnest(kept) k where k <> all (people));
end
$$;

-- Takes in what happened since, at most a thousand changes at once: how many it took, and how many wait after that
-- (counted up to 100,000). One at a time: of two that judge one contact, the slower might overwrite what the faster
-- knew better. Who comes second takes nothing and does not wait.
create function public.count_outcomes() returns table (taken bigint, waiting bigint)
language plpgsql security definer set search_path = '' as $$
declare
  touched uuid[];
  left_out uuid[];
begin
  if not private.acts_as_service() and not private.is_staff() then
    raise exception 'Only staff see figures.' using errcode = '42501';
  end if;
  taken := 0;
  if pg_try_advisory_xact_lock(hashtextextended('mpt.outcomes', 0)) then
    with gone as (
      delete from private.outcome_queue q
      where q.id in (select n.id from private.outcome_queue n order by n.id limit 1000)
      returning q.contact_id)
    select count(*), array_agg(distinct g.contact_id) into taken, touched from gone g;
    if touched is not null then
      left_out := private.judge_outcomes(touched);
      insert into private.outcome_queue (contact_id) select unnest(left_out);
      taken := taken - cardinality(left_out);
    end if;
  end if;
  waiting := (select count(*) from (select from private.outcome_queue limit 100000) q);
  return next;
end
$$;

-- Everything is judged again, after raw rows were mended by hand; count_outcomes() does it part by part.
create function public.recount_outcomes() returns bigint
language plpgsql security definer set search_path = '' as $$
declare
  queued bigint;
begin
  if not private.acts_as_service() then
    raise exception 'Only an operator counts everything again.' using errcode = '42501';
  end if;
  insert into private.outcome_queue (contact_id) select distinct e.contact_id from public.campaign_enrollments e;
  get diagnostics queued = row_count;
  return queued;
end
$$;
insert into private.outcome_queue (contact_id) select distinct e.contact_id from public.campaign_enrollments e;

-- Judges every open and click since then again, after the rules improved; figures follow.
create or replace function public.rescore_events(p_since timestamptz) returns bigint
language plpgsql security definer set search_path = '' set statement_timeout = '55s' as $$
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
    insert into private.outcome_queue (contact_id)
    select distinct s.contact_id from public.email_sends s where s.id = any (part_of_them);
  end loop;
  return changed;
end
$$;

-- What the numbers in email_outcomes.answers add up to.
create function private.sums_of(p_answers smallint[], p_times bigint[])
returns table (sent bigint, delivered bigint, bounced bigint, dropped bigint, opened bigint, opened_raw bigint,
               clicked bigint, clicked_raw bigint, replied bigint, complained bigint, unsubscribed bigint, converted bigint)
language sql immutable set search_path = '' as $$
  select coalesce(sum(n.times), 0)::bigint, coalesce(sum(n.times) filter (where n.answers & 1 > 0), 0)::bigint,
         coalesce(sum(n.times) filter (where n.answers & 2 > 0), 0)::bigint,
         coalesce(sum(n.times) filter (where n.answers & 4 > 0), 0)::bigint,
         coalesce(sum(n.times) filter (where n.answers & 8 > 0), 0)::bigint,
         coalesce(sum(n.times) filter (where n.answers & 16 > 0), 0)::bigint,
         coalesce(sum(n.times) filter (where n.answers & 32 > 0), 0)::bigint,
         coalesce(sum(n.times) filter (where n.answers & 64 > 0), 0)::bigint,
         coalesce(sum(n.times) filter (where n.answers & 128 > 0), 0)::bigint,
         coalesce(sum(n.times) filter (where n.answers & 256 > 0), 0)::bigint,
         coalesce(sum(n.times) filter (where n.answers & 512 > 0), 0)::bigint,
         coalesce(sum(n.times) filter (where n.answers & 1024 > 0), 0)::bigint
  from unnest(p_answers, p_times) n (answers, times)
$$;

-- Figures of every campaign that is not archived, or sent something in the period [p_since, p_until).
create function public.campaign_figures(p_since timestamptz, p_until timestamptz)
returns table (
  campaign_id uuid, key text, name text, status text, sent bigint, delivered bigint, bounced bigint, dropped bigint,
  opened bigint, opened_raw bigint, clicked bigint, clicked_raw bigint, replied bigint, complained bigint,
  unsubscribed bigint, converted bigint, enrolled bigint, completed bigint, stopped bigint, succeeded bigint,
  converted_contacts bigint, median_days_to_conversion double precision)
language plpgsql stable security definer set search_path = '' set plan_cache_mode = force_custom_plan as $$
begin
  if not private.acts_as_service() and not private.is_staff() then
    raise exception 'Only staff see figures.' using errcode = '42501';
  end if;
  return query
  select d.id, d.key, d.name, d.status, m.*, b.enrolled, x.completed, x.stopped, g.succeeded, v.people, v.days
  from public.drip_campaigns d
  cross join lateral (
    select array_agg(n.answers) as answers, array_agg(n.times) as times
    from (select o.answers, count(*) as times from private.email_outcomes o
          where o.campaign_id = d.id and o.sent_at >= p_since and o.sent_at < p_until group by o.answers) n) a
  cross join lateral private.sums_of(a.answers, a.times) m
  cross join lateral (
    select count(*) as enrolled from public.campaign_enrollments e
    where e.campaign_id = d.id and e.enrolled_at >= p_since and e.enrolled_at < p_until) b
  cross join lateral (
    select count(*) filter (where e.status = 'completed') as completed, count(*) filter (where e.status = 'stopped') as stopped
    from public.campaign_enrollments e
    where e.campaign_id = d.id and e.ended_at >= p_since and e.ended_at < p_until) x
  cross join lateral (
    select count(distinct o.enrollment_id) as succeeded from private.email_outcomes o
    where o.campaign_id = d.id and o.enrolled_at >= p_since and o.enrolled_at < p_until
      and (o.replied or o.converted_at is not null)) g
  cross join lateral (
    select count(distinct o.person_id) as people,
           percentile_cont(0.5) within group (order by extract(epoch from o.converted_at - o.enrolled_at)::float8 / 86400) as days
    from private.email_outcomes o
    where o.campaign_id = d.id and o.sent_at >= p_since and o.sent_at < p_until and o.converted_at is not null) v
  where d.status <> 'archived' or m.sent > 0
  order by (select min(y.position) from public.contact_types y where y.campaign_id = d.id), d.name, d.id;
end
$$;

-- The published e-mails of a campaign in their order, then those taken out that were sent in the period (no position).
create function public.step_figures(p_campaign uuid, p_since timestamptz, p_until timestamptz)
returns table (
  campaign_id uuid, step smallint, "position" smallint, name text, sent bigint, delivered bigint, bounced bigint,
  dropped bigint, opened bigint, opened_raw bigint, clicked bigint, clicked_raw bigint, replied bigint,
  complained bigint, unsubscribed bigint, converted bigint)
language plpgsql stable security definer set search_path = '' set plan_cache_mode = force_custom_plan as $$
begin
  if not private.acts_as_service() and not private.is_staff() then
    raise exception 'Only staff see figures.' using errcode = '42501';
  end if;
  return query
  with mail as (
    select n.step, array_agg(n.answers) as answers, array_agg(n.times) as times
    from (select o.step, o.answers, count(*) as times from private.email_outcomes o
          where o.campaign_id = p_campaign and o.sent_at >= p_since and o.sent_at < p_until
          group by o.step, o.answers) n
    group by n.step),
  steps as (
    select distinct on (t.step) t.step, case when t.status = 'published' then t.position end as place, t.name
    from public.drip_campaign_templates t where t.campaign_id = p_campaign and t.status <> 'draft'
    order by t.step, t.status = 'published' desc, t.version desc)
  select p_campaign, s.step, s.place, s.name, m.*
  from steps s left join mail a on a.step = s.step
  cross join lateral private.sums_of(a.answers, a.times) m
  where s.place is not null or m.sent > 0
  order by s.place nulls last, s.step;
end
$$;

-- Days of p_zone on which something was sent. p_campaign null: all campaigns.
create function public.day_figures(p_campaign uuid, p_since timestamptz, p_until timestamptz, p_zone text)
returns table (day date, sent bigint, delivered bigint, opened bigint, clicked bigint, replied bigint,
               unsubscribed bigint, converted bigint)
language plpgsql stable security definer set search_path = '' set plan_cache_mode = force_custom_plan as $$
begin
  if not private.acts_as_service() and not private.is_staff() then
    raise exception 'Only staff see figures.' using errcode = '42501';
  end if;
  return query
  select n.day, sum(n.times)::bigint, coalesce(sum(n.times) filter (where n.answers & 1 > 0), 0)::bigint,
         coalesce(sum(n.times) filter (where n.answers & 8 > 0), 0)::bigint,
         coalesce(sum(n.times) filter (where n.answers & 32 > 0), 0)::bigint,
         coalesce(sum(n.times) filter (where n.answers & 128 > 0), 0)::bigint,
         coalesce(sum(n.times) filter (where n.answers & 512 > 0), 0)::bigint,
         coalesce(sum(n.times) filter (where n.answers & 1024 > 0), 0)::bigint
  from (select (o.sent_at at time zone p_zone)::date as day, o.answers, count(*) as times from private.email_outcomes o
        where (p_campaign is null or o.campaign_id = p_campaign) and o.sent_at >= p_since and o.sent_at < p_until
        group by 1, o.answers) n
  group by n.day order by n.day;
end
$$;

-- Enrollments by the month of p_zone in which they began: this month and those before it, p_months in all. Every figure
-- counts enrollments: how many of them got an e-mail, opened one, and so on.
create function public.cohort_figures(p_campaign uuid, p_months integer, p_zone text, p_now timestamptz)
returns table (month date, enrolled bigint, sent bigint, opened bigint, clicked bigint, replied bigint,
               completed bigint, unsubscribed bigint, converted bigint)
language plpgsql stable security definer set search_path = '' set plan_cache_mode = force_custom_plan
set work_mem = '32MB' as $$
declare
  last_month timestamp;
  first_month timestamp;
  since timestamptz;
  until timestamptz;
begin
  if not private.acts_as_service() and not private.is_staff() then
    raise exception 'Only staff see figures.' using errcode = '42501';
  end if;
  last_month := date_trunc('month', p_now at time zone p_zone);
  first_month := last_month - (p_months - 1) * interval '1 month';
  since := first_month at time zone p_zone;
  until := (last_month + interval '1 month') at time zone p_zone;
  return query
  with begun as (
    select date_trunc('month', e.enrolled_at at time zone p_zone)::date as month, count(*) as enrolled,
           count(*) filter (where e.status = 'completed') as completed
    from public.campaign_enrollments e
    where e.campaign_id = p_campaign and e.enrolled_at >= since and e.enrolled_at < until group by 1),
  each as (
    select o.enrolled_at, bit_or(o.answers) as answers
    from private.email_outcomes o
    where o.campaign_id = p_campaign and o.enrolled_at >= since and o.enrolled_at < until
    group by o.enrollment_id, o.enrolled_at),
  mailed as (
    select date_trunc('month', a.enrolled_at at time zone p_zone)::date as month, count(*) as sent,
           count(*) filter (where a.answers & 8 > 0) as opened, count(*) filter (where a.answers & 32 > 0) as clicked,
           count(*) filter (where a.answers & 128 > 0) as replied, count(*) filter (where a.answers & 512 > 0) as unsubscribed,
           count(*) filter (where a.answers & 1024 > 0) as converted
    from each a group by 1)
  select g::date, coalesce(b.enrolled, 0), coalesce(m.sent, 0), coalesce(m.opened, 0), coalesce(m.clicked, 0),
         coalesce(m.replied, 0), coalesce(b.completed, 0), coalesce(m.unsubscribed, 0), coalesce(m.converted, 0)
  from generate_series(first_month, last_month, interval '1 month') g
  left join begun b on b.month = g::date
  left join mailed m on m.month = g::date
  order by 1;
end
$$;

-- Contacts by the type they have now, archived ones left out, and what they ever did.
create function public.type_figures()
returns table (contact_type text, label text, contacts bigint, enrolled bigint, opened bigint, clicked bigint,
               replied bigint, converted bigint)
language plpgsql stable security definer set search_path = '' as $$
begin
  if not private.acts_as_service() and not private.is_staff() then
    raise exception 'Only staff see figures.' using errcode = '42501';
  end if;
  return query
  with there as (
    select c.contact_type as type, count(*) as contacts from public.contacts c where c.archived_at is null group by 1),
  acted as (
    select o.contact_type as type, count(*) as enrolled, count(*) filter (where o.opened) as opened,
           count(*) filter (where o.clicked) as clicked, count(*) filter (where o.replied) as replied,
           count(*) filter (where o.converted) as converted
    from private.contact_outcomes o where not o.archived group by 1)
  select y.key, y.label, coalesce(t.contacts, 0), coalesce(a.enrolled, 0), coalesce(a.opened, 0), coalesce(a.clicked, 0),
         coalesce(a.replied, 0), coalesce(a.converted, 0)
  from public.contact_types y left join there t on t.type = y.key left join acted a on a.type = y.key
  order by y.position;
end
$$;

revoke all on private.email_outcomes, private.contact_outcomes, private.outcome_queue from public, anon, authenticated, service_role;
revoke all on function
  private.queue_outcomes(), private.queue_outcomes_of_activities(), private.judge_emails(uuid[]),
  private.judge_people(uuid[]), private.judge_outcomes(uuid[]), private.sums_of(smallint[], bigint[]),
  public.count_outcomes(), public.recount_outcomes(),
  public.campaign_figures(timestamptz, timestamptz), public.step_figures(uuid, timestamptz, timestamptz),
  public.day_figures(uuid, timestamptz, timestamptz, text),
  public.cohort_figures(uuid, integer, text, timestamptz), public.type_figures()
  from public, anon, authenticated, service_role;
grant execute on function
  public.count_outcomes(), public.campaign_figures(timestamptz, timestamptz),
  public.step_figures(uuid, timestamptz, timestamptz), public.day_figures(uuid, timestamptz, timestamptz, text),
  public.cohort_figures(uuid, integer, text, timestamptz), public.type_figures()
  to authenticated, service_role;
grant execute on function public.recount_outcomes() to service_role;
