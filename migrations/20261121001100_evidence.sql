-- The engine with evidence: what nobody can be sure of is settled by what the provider reports, never by
-- guessing. Replaces statements of 20261121000700_engine.sql; docs/adr/0006 has the rule and its reasons.

-- How many more e-mails the account may hand over today (UTC); null: as many as are due.
create function private.account_room(p_now timestamptz) returns integer
language plpgsql stable security definer set search_path = '' as $$
declare
  today date := (p_now at time zone 'UTC')::date;
  cap integer := (private.setting('account_daily_cap'))::text::integer;
  warm_up jsonb := private.setting('warm_up');
  day_number integer;
begin
  if warm_up is not null and warm_up <> 'null' then
    day_number := greatest(today - (warm_up ->> 'starts_on')::date, 0);
    -- least() passes over a null: past the last day of the schedule the account's own cap holds.
    cap := least(cap, (warm_up -> 'daily' ->> day_number)::integer);
  end if;
  if cap is null then
    return null;
  end if;
  return greatest(cap - coalesce((select d.handed_over from public.account_days d where d.day = today), 0), 0);
end
$$;
-- A setting of null is stored as JSON null, which is no number.
create or replace function private.setting(wanted text) returns jsonb
language sql stable security definer set search_path = '' as
$$ select nullif(value, 'null') from public.app_settings where key = wanted $$;

-- Takes up to p_limit due enrollments of one step, so that they travel as one request. Who may not be written
-- to is stopped here, and who asked for quiet is put off, in the claiming statement itself; neither is returned.
drop function public.claim_due(timestamptz, integer, integer, bigint, uuid);
create function public.claim_due(
  p_now timestamptz, p_limit integer, p_lease_seconds integer, p_run bigint, p_token uuid)
returns table (
  send_id uuid, enrollment_id uuid, contact_id uuid, campaign_id uuid, template_id uuid, step smallint,
  email text, first_name text, last_name text, company_name text, job_title text,
  industry text, city text, country text, time_zone text,
  owner_name text, owner_email text, owner_phone text, recent_sends timestamptz[], expires_at timestamptz)
language plpgsql set search_path = '' set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
declare
  turn record;
  claimed uuid[];
  on_their_way uuid[];
  willing uuid[];
  taken integer;
  -- What this run has claimed and not handed over yet will take its place in the day; the rest is left in peace.
  room integer := private.account_room(p_now);
begin
  if room > 0 then
    room := greatest(room - (
      select count(*) from public.email_sends s where s.scheduler_run_id = p_run and s.status = 'claimed'), 0);
  end if;
  if room = 0 or exists (select from public.app_settings where key = 'sending_halt' and value <> 'null') then
    return;
  end if;
  for turn in
    select t.campaign_id, t.step, t.id as template_id,
           t.expires_after_days * interval '1 day' as useful_for
    from public.drip_campaigns d
    join public.drip_campaign_templates t on t.campaign_id = d.id and t.status = 'published'
    where d.status = 'active' and exists (
      select from public.campaign_enrollments e
      where e.campaign_id = t.campaign_id and e.next_step = t.step and e.status = 'active' and e.next_send_at <= p_now)
    order by d.id, t.position
  loop
    loop
      with due as materialized (
        -- The contact is locked with its enrollment: two schedulers cannot pass its daily cap at once,
        -- and nobody archives it between this check and the claim.
        select e.id, e.contact_id, e.run, e.next_send_at, c.email, c.quiet_until,
               case when c.archived_at is not null or c.email_status <> 'ok' or c.email is null
                      or exists (select from public.suppressions s where s.email = c.email) then 'stopped'
                    when c.quiet_until > p_now then 'quiet' else 'eligible' end as standing
        from public.campaign_enrollments e
        join public.contacts c on c.id = e.contact_id
        where e.campaign_id = turn.campaign_id and e.next_step = turn.step
          and e.status = 'active' and e.next_send_at <= p_now
        order by e.next_send_at
        limit least(p_limit, room)
        for no key update of e, c skip locked),
      under_way as (
        update public.campaign_enrollments e set next_send_at = null, updated_at = p_now
        from due where e.id = due.id and due.standing = 'eligible'),
      resting as (
        update public.campaign_enrollments e set next_send_at = due.quiet_until, updated_at = p_now
        from due where e.id = due.id and due.standing = 'quiet'),
      stopped as (
        update public.campaign_enrollments e
        set status = 'stopped', reason = 'suppressed', ended_at = p_now, next_send_at = null, updated_at = p_now
        from due where e.id = due.id and due.standing = 'stopped'),
      told as (
        insert into public.drip_decisions
          (contact_id, enrollment_id, campaign_id, step, decided_at, reason, explanation, until, scheduler_run_id)
        select due.contact_id, due.id, turn.campaign_id, turn.step, p_now,
               case due.standing when 'quiet' then 'quiet' else 'not_eligible' end,
               case due.standing when 'quiet' then 'The contact is not to be written to for a while.'
                 else 'This contact may not be written to: archived, unsubscribed or on the suppression list.' end,
               case due.standing when 'quiet' then due.quiet_until end, p_run
        from due where due.standing <> 'eligible'),
      inserted as (
        insert into public.email_sends as s
          (enrollment_id, contact_id, campaign_id, step, run, template_id, to_email,
           lease_token, lease_until, claimed_at, scheduler_run_id, due_at)
        select due.id, due.contact_id, turn.campaign_id, turn.step, due.run, turn.template_id, due.email,
               p_token, p_now + p_lease_seconds * interval '1 second', p_now, p_run, due.next_send_at
        from due where due.standing = 'eligible'
        on conflict on constraint one_email_a_step_and_run do update
          set status = 'claimed', enrollment_id = excluded.enrollment_id, template_id = excluded.template_id,
              to_email = excluded.to_email, lease_token = excluded.lease_token, lease_until = excluded.lease_until,
              claimed_at = excluded.claimed_at, scheduler_run_id = excluded.scheduler_run_id,
              attempts = s.attempts + 1, retry_at = null, held_at = null, reason = '',
              handed_over_at = null, request_id = null, settled_at = null,
              -- Enrolled again is due again; put off is not.
              due_at = case when s.enrollment_id = excluded.enrollment_id then s.due_at else excluded.due_at end,
              -- Should a late report prove the attempt before, this is what it said.
              merge_values = case when s.template_id = excluded.template_id then s.merge_values end
          where s.status = 'retry'
        returning s.id, s.enrollment_id)
      select array(select i.id from inserted i), array(select i.enrollment_id from inserted i),
             array(select due.id from due where due.standing = 'eligible'), (select count(*) from due)
      into claimed, on_their_way, willing, taken;

      -- Some of them have this e-mail already (in flight, held or received): they move on without it.
      if cardinality(willing) > cardinality(claimed) then
        perform private.skip_received(
          array(select unnest(willing) except select unnest(on_their_way)), p_now, p_run);
      end if;
      -- A batch in which nobody could be claimed must not hide the due ones behind it.
      exit when taken = 0 or cardinality(claimed) > 0;
    end loop;

    if cardinality(claimed) > 0 then
      update public.scheduler_runs
      set leased_until = greatest(leased_until, p_now + p_lease_seconds * interval '1 second') where id = p_run;
      return query
      -- A statement of its own, hence a fresh snapshot: it sees what another scheduler claimed for
      -- the same contact until the lock above was ours.
      select s.id, s.enrollment_id, s.contact_id, s.campaign_id, s.template_id, s.step,
             c.email, c.first_name, c.last_name, c.company_name, c.job_title, c.industry, c.city, c.country,
             c.time_zone, o.full_name, o.email, o.phone,
             (select array_agg(coalesce(r.handed_over_at, r.claimed_at)) from public.email_sends r
              where r.contact_id = s.contact_id and r.id <> s.id and r.status not in ('retry', 'failed')
                and coalesce(r.handed_over_at, r.claimed_at) > p_now - interval '48 hours'),
             s.due_at + turn.useful_for
      from public.email_sends s
      join public.contacts c on c.id = s.contact_id
      left join public.profiles o on o.id = c.owner_id
      where s.id = any (claimed);
      return;
    end if;
  end loop;
end
$$;

-- Enrollments go on behind the last e-mail received: to the next one, or to the end of the sequence.
create function private.go_on(p_enrollments uuid[], p_now timestamptz) returns void
language plpgsql security definer set search_path = '' as $$
begin
  with places as (
    select e.id, n.step, n.delay_days, n.last_sent_at
    from public.campaign_enrollments e
    left join lateral private.next_unreceived(e.contact_id, e.campaign_id, e.run) n on true
    where e.id = any (p_enrollments) and e.status in ('active', 'paused', 'stopped'))
  update public.campaign_enrollments e
  set next_step = p.step, updated_at = p_now,
      next_send_at = case when p.step is not null and e.status in ('active', 'paused')
                          then greatest(p_now, p.last_sent_at + p.delay_days * interval '1 day') end
  from places p where e.id = p.id;
  update public.campaign_enrollments e
  set status = 'completed', reason = '', ended_at = coalesce(e.ended_at, p_now), updated_at = p_now
  where e.id = any (p_enrollments) and e.next_step is null
    and (e.status in ('active', 'paused')
         or (e.status = 'stopped' and e.reason in ('invalid', 'bounced', 'unsubscribed', 'complained')));
end
$$;

-- Claimed too late to be of use: never sent, and the enrollment goes on without it.
create function public.expire_steps(p_now timestamptz, p_run bigint, p_sends uuid[], p_explanations text[])
returns bigint language plpgsql set search_path = '' as $$
declare
  behind uuid[];
begin
  with over as (
    update public.email_sends s
    set status = 'failed', reason = g.explanation, settled_at = p_now, lease_token = null, lease_until = null
    from unnest(p_sends, p_explanations) g (id, explanation)
    where s.id = g.id and s.status = 'claimed' and s.scheduler_run_id = p_run
    returning s.enrollment_id, s.contact_id, s.campaign_id, s.step, s.reason),
  told as (
    insert into public.drip_decisions
      (contact_id, enrollment_id, campaign_id, step, decided_at, reason, explanation, scheduler_run_id)
    select contact_id, enrollment_id, campaign_id, step, p_now, 'step_expired', over.reason, p_run from over)
  select array_agg(over.enrollment_id) into behind from over;
  perform private.go_on(behind, p_now);
  return coalesce(cardinality(behind), 0);
end
$$;

-- What the hand-over refused goes back with the reason, due again at once unless something stopped it.
create or replace function public.give_back(p_now timestamptz, p_run bigint, p_sends uuid[]) returns bigint
language sql set search_path = '' as $$
  select public.postpone(
    p_now, p_run, array_agg(w.id), array_agg(w.until), array_agg(w.reason), array_agg(w.explanation))
  from (
    select s.id, case when c.quiet_until > p_now then c.quiet_until end as until,
      case when h.value <> 'null' then 'sending_halted'
           when c.archived_at is not null or c.email is null or c.email_status <> 'ok' or x.email is not null
                or e.status in ('stopped', 'paused') or d.status <> 'active' then 'consent_withdrawn'
           when c.quiet_until > p_now then 'quiet'
           when s.lease_until <= p_now then 'lease_expired'
           when private.account_room(p_now) = 0 then 'account_daily_cap'
           else 'consent_withdrawn' end as reason,
      case when h.value <> 'null' then 'All sending was stopped before it left; it is due again when sending goes on.'
           when c.archived_at is not null then 'Not sent: the contact was archived.'
           when c.email is null then 'Not sent: the contact has no address.'
           when c.email_status <> 'ok' then 'Not sent: ' || private.words_for(c.email_status) || '.'
           when x.email is not null then 'Not sent: the address is suppressed.'
           when e.status in ('stopped', 'paused') then
             'Not sent: ' || coalesce(nullif(private.words_for(e.reason), ''), e.status) || '.'
           when d.status <> 'active' then 'The campaign was paused before it left; it is due again when that resumes.'
           when c.quiet_until > p_now then 'The contact is not to be written to for a while.'
           when c.email <> s.to_email then 'The address was changed before it left; it goes to the new one.'
           when s.lease_until <= p_now then 'It was not handed over in time; it is due again.'
           when private.account_room(p_now) = 0 then 'The account sent as many e-mails today as it may; it goes tomorrow.'
           else 'Something changed before it left; it is due again.' end as explanation
    from public.email_sends s
    join public.contacts c on c.id = s.contact_id
    join public.drip_campaigns d on d.id = s.campaign_id
    left join public.campaign_enrollments e on e.id = s.enrollment_id
    left join public.suppressions x on x.email = c.email
    left join public.app_settings h on h.key = 'sending_halt'
    where s.id = any (p_sends)) w
$$;

-- The last look before the request leaves: still ours, still wanted, still room in the account's day. The lease
-- must last until the request has left (p_leave_by), or another scheduler could judge it meanwhile. Returns
-- the sends that may go; the content is fixed here, so that whatever happens next, what was sent can be shown.
drop function public.hand_over(timestamptz, uuid, text, uuid[], text[]);
create function public.hand_over(
  p_now timestamptz, p_leave_by timestamptz, p_token uuid, p_provider text, p_request uuid, p_sends uuid[],
  p_merge_values text[])
returns setof uuid
language plpgsql set search_path = '' set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
declare
  today date := (p_now at time zone 'UTC')::date;
  room integer := private.account_room(p_now);
  wanted uuid[] := p_sends;
  going uuid[];
  run bigint;
begin
  if room is not null then
    -- Counted under a lock, so that schedulers side by side cannot pass the cap together.
    insert into public.account_days (day) values (today) on conflict (day) do nothing;
    perform from public.account_days d where d.day = today for no key update;
    wanted := p_sends[1:private.account_room(p_now)];
  end if;
  with handed as (
    update public.email_sends s
    set status = 'handed_over', handed_over_at = p_now, provider = p_provider, request_id = p_request,
        merge_values = v.merge_values::json
    from unnest(wanted, p_merge_values[1:cardinality(wanted)]) v (id, merge_values), public.campaign_enrollments e,
         public.contacts c, public.drip_campaigns d
    where s.id = v.id and s.status = 'claimed' and s.lease_token = p_token and s.lease_until > p_now and s.lease_until >= p_leave_by
      and e.id = s.enrollment_id and e.status = 'active'
      and d.id = s.campaign_id and d.status = 'active'
      and c.id = s.contact_id and c.archived_at is null and c.email_status = 'ok' and c.email = s.to_email
      and (c.quiet_until is null or c.quiet_until <= p_now)
      and not exists (select from public.suppressions x where x.email = s.to_email)
      and not exists (select from public.app_settings a where a.key = 'sending_halt' and a.value <> 'null')
    returning s.id, s.scheduler_run_id)
  select array_agg(h.id), min(h.scheduler_run_id) into going, run from handed h;
  if going is not null then
    insert into public.send_requests (id, scheduler_run_id, handed_over_at) values (p_request, run, p_now)
    on conflict (id) do nothing;
    if room is not null then
      update public.account_days d set handed_over = d.handed_over + cardinality(going) where d.day = today;
    end if;
  end if;
  return query select unnest(going);
end
$$;

-- Asked again before a request that follows another's refusal: minutes may have passed since the hand-over.
create function public.still_wanted(p_now timestamptz, p_token uuid, p_sends uuid[]) returns setof uuid
language sql stable set search_path = '' as $$
  select s.id
  from public.email_sends s
  join public.campaign_enrollments e on e.id = s.enrollment_id
  join public.contacts c on c.id = s.contact_id
  join public.drip_campaigns d on d.id = s.campaign_id
  where s.id = any (p_sends) and s.status = 'handed_over' and s.lease_token = p_token
    and e.status = 'active' and d.status = 'active'
    and c.archived_at is null and c.email_status = 'ok' and c.email = s.to_email
    and (c.quiet_until is null or c.quiet_until <= p_now)
    and not exists (select from public.suppressions x where x.email = s.to_email)
    and not exists (select from public.app_settings a where a.key = 'sending_halt' and a.value <> 'null')
$$;

-- What was counted for an e-mail that did not leave after all is given back to the day.
create function private.uncount(p_sends uuid[]) returns void
language sql security definer set search_path = '' as $$
  update public.account_days d set handed_over = greatest(d.handed_over - n.many, 0)
  from (select (s.handed_over_at at time zone 'UTC')::date as day, count(*)::integer as many
        from public.email_sends s where s.id = any (p_sends) and s.handed_over_at is not null group by 1) n
  where d.day = n.day
$$;

create function private.count_for_breakers(p_sends uuid[], p_what text) returns void
language sql security definer set search_path = '' as $$
  insert into public.breaker_counts as b (campaign_id, sent_on, accepted, failed, bounced, complained)
  select s.campaign_id, (coalesce(s.handed_over_at, s.claimed_at) at time zone 'UTC')::date,
         count(*) filter (where p_what = 'accepted'), count(*) filter (where p_what = 'failed'),
         count(*) filter (where p_what = 'bounced'), count(*) filter (where p_what = 'complained')
  from public.email_sends s join public.drip_campaigns d on d.id = s.campaign_id
  where s.id = any (p_sends) and coalesce(s.handed_over_at, s.claimed_at) >= coalesce(d.counted_since, '-infinity')
  group by 1, 2 order by 1, 2
  on conflict (campaign_id, sent_on) do update
  set accepted = b.accepted + excluded.accepted, failed = b.failed + excluded.failed,
      bounced = b.bounced + excluded.bounced, complained = b.complained + excluded.complained
$$;

-- Writes down what became of a request and moves every enrollment on. Idempotent: a send that is
-- already settled is left alone. p_next_steps null with status accepted means the campaign is complete.
create or replace function public.settle(
  p_now timestamptz, p_run bigint, p_token uuid, p_sends uuid[], p_statuses text[], p_message_ids text[],
  p_reasons text[], p_retry_ats timestamptz[], p_next_steps smallint[], p_next_send_ats timestamptz[],
  p_address_refused boolean[])
returns bigint language plpgsql set search_path = '' set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
declare
  settled uuid[];
  accepted uuid[];
  finished uuid[];
  troubled boolean := exists (select from unnest(p_statuses) t where t <> 'accepted');
begin
  with given as (
    select * from unnest(p_sends, p_statuses, p_message_ids, p_reasons, p_retry_ats, p_next_steps, p_next_send_ats)
      g (id, status, message_id, reason, retry_at, next_step, next_send_at)),
  done as (
    update public.email_sends s
    set status = g.status, provider_message_id = g.message_id, reason = coalesce(g.reason, ''),
        retry_at = g.retry_at, settled_at = p_now, lease_until = null,
        held_at = case when g.status in ('unconfirmed', 'failed') then p_now end,
        lease_token = case when g.status = 'unconfirmed' then s.lease_token end
    from given g
    where s.id = g.id and s.lease_token = p_token and s.status in ('handed_over', 'unconfirmed')
      and s.status <> g.status
    returning s.id, s.enrollment_id, s.contact_id, s.step, s.template_id, s.request_id, g.status, g.next_step,
              g.next_send_at, g.retry_at),
  moved_on as (
    update public.campaign_enrollments e
    set last_step = d.step, last_sent_at = p_now, next_step = d.next_step, updated_at = p_now,
        next_send_at = case when e.status in ('active', 'paused') then d.next_send_at end
    from done d where e.id = d.enrollment_id and d.status = 'accepted'),
  logged as (
    insert into public.activities (contact_id, occurred_at, kind, summary, actor_id, enrollment_id, send_id)
    select d.contact_id, p_now, 'email_sent', 'E-mail sent: ' || t.name, null, d.enrollment_id, d.id
    from done d join public.drip_campaign_templates t on t.id = d.template_id
    where d.status = 'accepted'),
  counted as (
    update public.send_requests r set accepted_count = r.accepted_count + n.many
    -- All the provider took, those too that an event settled a moment before: it is heard of when all were.
    from (select s.request_id, count(*)::integer as many
          from given g join public.email_sends s on s.id = g.id
          where g.status = 'accepted' and s.request_id in (select d.request_id from done d where d.status = 'accepted')
          group by s.request_id) n
    where r.id = n.request_id)
  select array_agg(d.id), array_agg(d.id) filter (where d.status = 'accepted'),
         array_agg(d.enrollment_id) filter (where d.status = 'accepted' and d.next_step is null)
  into settled, accepted, finished from done d;

  -- Last e-mail of the sequence, as far as the run knew: an admin may have added or taken out some since.
  if finished is not null then
    perform private.go_on(finished, p_now);
  end if;

  if troubled and settled is not null then
    perform private.settle_trouble(
      p_now, p_run,
      -- Only what was settled just now: said twice, it is still written down once.
      array(select d.id from unnest(p_sends) with ordinality g (id, n)
            left join unnest(settled) d (id) on d.id = g.id order by g.n),
      p_statuses, p_reasons, p_retry_ats, p_address_refused);
    perform private.count_for_breakers(
      array(select s.id from public.email_sends s where s.id = any (settled) and s.status = 'failed'), 'failed');
    perform private.uncount(
      array(select s.id from public.email_sends s where s.id = any (settled) and s.status in ('retry', 'failed')));
  end if;
  -- The rows every request of a campaign shares come last, so that they are locked for a moment only.
  if accepted is not null then
    perform private.count_for_breakers(accepted, 'accepted');
  end if;
  -- Judged when all of the request is counted: its failures alone look like a rate of 100 %.
  if troubled and settled is not null then
    perform private.trip_breakers(p_now);
  end if;
  return coalesce(cardinality(settled), 0);
end
$$;

-- Proven to have been accepted, whatever was written down before: the send and its enrollment go on.
create function private.accept_by_evidence(p_sends uuid[], p_reason text, p_explanation text, p_now timestamptz)
returns bigint language plpgsql security definer set search_path = '' as $$
declare
  behind uuid[];
  proven uuid[];
begin
  with before as (
    select s.id, s.status from public.email_sends s
    where s.id = any (p_sends) and s.status in ('claimed', 'handed_over', 'unconfirmed', 'retry', 'failed')
    order by s.id for no key update),
  accepted as (
    update public.email_sends s
    set status = 'accepted', settled_at = p_now, lease_until = null, held_at = null, retry_at = null, reason = '',
        handed_over_at = coalesce(s.handed_over_at, s.claimed_at)
    from before b where s.id = b.id
    returning s.id, s.enrollment_id, s.contact_id, s.campaign_id, s.step, s.template_id, s.handed_over_at,
              b.status as was, s.scheduler_run_id),
  logged as (
    insert into public.activities (contact_id, occurred_at, kind, summary, enrollment_id, send_id)
    select a.contact_id, a.handed_over_at, 'email_sent', 'E-mail sent: ' || t.name, a.enrollment_id, a.id
    from accepted a join public.drip_campaign_templates t on t.id = a.template_id),
  told as (
    insert into public.drip_decisions
      (contact_id, enrollment_id, campaign_id, step, decided_at, reason, explanation, scheduler_run_id)
    -- One that is only ahead of its own request's answer was never in doubt.
    select contact_id, enrollment_id, campaign_id, step, p_now, p_reason, p_explanation, scheduler_run_id
    from accepted where was <> 'handed_over'),
  moved as (
    update public.campaign_enrollments e
    set last_step = a.step, last_sent_at = a.handed_over_at, updated_at = p_now
    from accepted a where e.id = a.enrollment_id and (e.last_sent_at is null or e.last_sent_at < a.handed_over_at))
  select array_agg(a.id), array_agg(a.enrollment_id) into proven, behind from accepted a;
  if proven is null then
    return 0;
  end if;
  perform private.go_on(array(
    select e.id from public.campaign_enrollments e join public.email_sends s on s.enrollment_id = e.id
    where e.id = any (behind) and s.id = any (proven) and e.next_step = s.step), p_now);
  perform private.count_for_breakers(proven, 'accepted');
  return cardinality(proven);
end
$$;

-- Whether the event webhook was alive for a whole grace after p_sent_at, so that silence means "not accepted".
-- A request is heard of when every e-mail the provider took in it had an event. The control group: later requests
-- that were heard of, unbroken over the grace, with five e-mails at least; a request that stays silent, or a
-- pause in sending, breaks the chain. And what left around the same time must have been heard of as well:
-- its events travelled together with those we are missing.
create function private.webhook_was_alive(p_sent_at timestamptz, p_grace interval, p_now timestamptz) returns boolean
language sql stable security definer set search_path = '' as $$
  with around as (
    select r.handed_over_at, r.first_event_at, least(r.heard_of_count, r.accepted_count) as heard_of,
           r.heard_of_count >= r.accepted_count as complete
    from public.send_requests r
    where r.handed_over_at > p_sent_at - interval '15 minutes' and r.accepted_count > 0
      -- The youngest may still be heard of.
      and (r.heard_of_count >= r.accepted_count or r.handed_over_at <= p_now - interval '15 minutes')),
  later as (
    select a.*, (not a.complete or not lag(a.complete, 1, true) over w
                 or a.handed_over_at - lag(a.handed_over_at, 1, a.handed_over_at) over w > p_grace + interval '15 minutes')::integer as breaks
    from around a where a.handed_over_at > p_sent_at window w as (order by a.handed_over_at)),
  chains as (
    select l.*, sum(l.breaks) over (order by l.handed_over_at rows unbounded preceding) as chain from later l)
  select not exists (select from around a where not a.complete and a.handed_over_at <= p_sent_at + interval '15 minutes')
     and exists (select from chains c where c.complete group by c.chain
                 having sum(c.heard_of) >= 5 and max(c.first_event_at) - min(c.first_event_at) >= p_grace)
$$;

-- E-mails that did not go out are due again for whoever is in that campaign and run now: the enrollment they were
-- claimed for, or the one that took its place meanwhile and went past them, as long as nothing later left.
create function private.due_again(p_sends uuid[], p_now timestamptz) returns bigint
language plpgsql security definer set search_path = '' as $$
declare
  freed bigint;
begin
  update public.campaign_enrollments e set next_step = s.step, next_send_at = p_now, updated_at = p_now
  from public.email_sends s
  where s.id = any (p_sends) and e.contact_id = s.contact_id and e.campaign_id = s.campaign_id and e.run = s.run
    and e.status in ('active', 'paused')
    and (e.next_step = s.step or (e.next_send_at is not null and not exists (
      select from public.email_sends o
      where o.contact_id = s.contact_id and o.campaign_id = s.campaign_id and o.run = s.run and o.id <> s.id
        and o.status not in ('claimed', 'retry') and o.handed_over_at > s.handed_over_at)));
  get diagnostics freed = row_count;
  return freed;
end
$$;

-- Unconfirmed sends, judged by evidence: accepted where the request they travelled in is proven, due again where
-- the provider was silent about them while it reported on others; the rest stay held.
create function private.judge_unconfirmed(p_now timestamptz, p_run bigint)
returns table (confirmed bigint, resent bigint, held bigint)
language plpgsql security definer set search_path = '' as $$
declare
  grace interval := (private.setting('unconfirmed_grace_minutes'))::text::integer * interval '1 minute';
  most_attempts integer := (private.setting('send_attempts'))::text::integer;
  unsent uuid[];
begin
  confirmed := private.accept_by_evidence(array(
      select s.id from public.email_sends s join public.send_requests r on r.id = s.request_id
      where s.held_at is not null and s.status = 'unconfirmed' and r.proven_at is not null),
    'proven_sent', 'The provider reported on the request it travelled in, so it went out.', p_now);

  with silent as (
    select s.id, s.handed_over_at from public.email_sends s
    where s.held_at is not null and s.status = 'unconfirmed' and s.handed_over_at <= p_now - grace
      and s.attempts < most_attempts
    for no key update skip locked),
  moments as (
    select m.handed_over_at from (select distinct handed_over_at from silent) m
    where private.webhook_was_alive(m.handed_over_at, grace, p_now)),
  again as (
    update public.email_sends s
    set status = 'retry', retry_at = p_now, held_at = null, lease_token = null,
        reason = 'The provider never took it; it is due again.'
    from silent x join moments m on m.handed_over_at = x.handed_over_at
    where s.id = x.id
    returning s.id, s.enrollment_id, s.contact_id, s.campaign_id, s.step, s.request_id),
  doubted as (
    update public.send_requests r set resent_at = p_now from again a where r.id = a.request_id),
  told as (
    insert into public.drip_decisions
      (contact_id, enrollment_id, campaign_id, step, decided_at, reason, explanation, scheduler_run_id)
    select contact_id, enrollment_id, campaign_id, step, p_now, 'proven_not_sent',
           'The provider reported on e-mails sent after it and never on this one, so it did not go out; it is due again.',
           p_run
    from again)
  select array_agg(a.id), count(*) into unsent, resent from again a;
  perform private.due_again(unsent, p_now);

  select count(*) into held from public.email_sends s where s.held_at is not null and s.status = 'unconfirmed';
  return next;
end
$$;

-- Judges leases that ran out, then what is unconfirmed. Before the hand-over nothing can have left: the claim is
-- released. After it nobody knows: the send is held as unconfirmed until there is evidence or a person decides.
drop function public.sweep(timestamptz, bigint);
create function public.sweep(p_now timestamptz, p_run bigint)
returns table (released bigint, unconfirmed bigint, confirmed bigint, resent bigint, held bigint)
language plpgsql set search_path = '' set enable_seqscan = off as $$
begin
  released := 0; unconfirmed := 0; confirmed := 0; resent := 0; held := 0;
  -- Nearly always nothing is overdue, and looking at the sends costs more than knowing that.
  if exists (select from public.scheduler_runs r where r.leased_until <= p_now) then
    with overdue as materialized (
      select r.id from public.scheduler_runs r where r.leased_until <= p_now),
    expired as (
      select s.id, s.status from overdue o join public.email_sends s on s.scheduler_run_id = o.id
      where s.lease_until is not null and s.lease_until <= p_now
      for update of s skip locked),
    judged as (
      update public.email_sends s
      set status = case when x.status = 'claimed' then 'retry' else 'unconfirmed' end,
          -- The token of an unconfirmed send stays: its owner may still come back and tell.
          lease_token = case when x.status = 'claimed' then null else s.lease_token end,
          lease_until = null,
          retry_at = case when x.status = 'claimed' then p_now end,
          held_at = case when x.status = 'handed_over' then p_now end,
          reason = case when x.status = 'claimed' then 'The scheduler stopped before it was handed over.'
                        else 'The scheduler stopped while the provider had it; nobody knows whether it went out.' end
      from expired x where s.id = x.id and s.status in ('claimed', 'handed_over')
      returning s.id, s.status, s.enrollment_id, s.contact_id, s.campaign_id, s.step),
    freed as (
      update public.campaign_enrollments e set next_send_at = p_now, updated_at = p_now
      from judged j where j.status = 'retry' and e.id = j.enrollment_id and e.status in ('active', 'paused')),
    told as (
      insert into public.drip_decisions
        (contact_id, enrollment_id, campaign_id, step, decided_at, reason, explanation, scheduler_run_id)
      select j.contact_id, j.enrollment_id, j.campaign_id, j.step, p_now,
             case j.status when 'retry' then 'lease_expired' else 'unconfirmed' end,
             case j.status when 'retry' then 'The scheduler stopped before handing it over; it is due again.'
               else 'The scheduler stopped while the provider had it. It is held until there is evidence, or somebody decides.'
             end, p_run
      from judged j)
    select count(*) filter (where j.status = 'retry'), count(*) filter (where j.status = 'unconfirmed')
    into released, unconfirmed from judged j;
    -- A run stays open while a lease of it is left, be it one that another sweep is judging right now.
    update public.scheduler_runs r
    set leased_until = (select max(s.lease_until) from public.email_sends s where s.scheduler_run_id = r.id)
    -- Skipped where locked: a scheduler that froze in the middle of a claim must not stop all the others.
    where r.id in (select x.id from public.scheduler_runs x where x.leased_until <= p_now for no key update skip locked);
  end if;
  -- Somebody may wait for an e-mail that was taken out while a request was under way: on to the one behind it.
  perform private.go_on(array(
    select e.id
    from (select distinct t.campaign_id, t.step from public.drip_campaign_templates t
          where t.status = 'retired' and not exists (
            select from public.drip_campaign_templates p
            where p.campaign_id = t.campaign_id and p.step = t.step and p.status = 'published')) gone
    join public.campaign_enrollments e on e.campaign_id = gone.campaign_id and e.next_step = gone.step
      and e.status = 'active' and e.next_send_at is not null), p_now);
  if exists (select from public.email_sends s where s.held_at is not null and s.status = 'unconfirmed') then
    select j.confirmed, j.resent, j.held into confirmed, resent, held from private.judge_unconfirmed(p_now, p_run) j;
  end if;
  return next;
end
$$;

-- A person knows better: these unconfirmed e-mails went out, or they did not.
create function public.mark_as_sent(p_sends uuid[], p_now timestamptz) returns bigint
language plpgsql security definer set search_path = '' as $$
begin
  if not private.is_admin() then
    raise exception 'Only an admin decides about unconfirmed e-mails.' using errcode = '42501';
  end if;
  perform set_config('mpt.now', p_now::text, true);
  return private.accept_by_evidence(
    array(select s.id from public.email_sends s where s.id = any (p_sends) and s.status = 'unconfirmed'),
    'decided_by_hand', 'Somebody knew that it went out and marked it as sent.', p_now);
end
$$;

create function public.send_again(p_sends uuid[], p_now timestamptz) returns bigint
language plpgsql security definer set search_path = '' as $$
declare
  unsent uuid[];
begin
  if not private.is_admin() then
    raise exception 'Only an admin decides about unconfirmed e-mails.' using errcode = '42501';
  end if;
  with again as (
    update public.email_sends s
    set status = 'retry', retry_at = p_now, held_at = null, lease_token = null, reason = 'Sent again by hand.'
    where s.id = any (p_sends) and s.status = 'unconfirmed'
    returning s.id, s.enrollment_id, s.contact_id, s.campaign_id, s.step, s.request_id),
  doubted as (
    update public.send_requests r set resent_at = p_now from again a where r.id = a.request_id),
  told as (
    insert into public.drip_decisions (contact_id, enrollment_id, campaign_id, step, decided_at, reason, explanation)
    select contact_id, enrollment_id, campaign_id, step, p_now, 'decided_by_hand',
           'Somebody knew that it did not go out and had it sent again.' from again)
  select array_agg(a.id) into unsent from again a;
  return private.due_again(unsent, p_now);
end
$$;

revoke all on function
  private.due_again(uuid[], timestamptz), public.still_wanted(timestamptz, uuid, uuid[]),
  private.account_room(timestamptz), private.go_on(uuid[], timestamptz), private.uncount(uuid[]),
  private.count_for_breakers(uuid[], text), private.accept_by_evidence(uuid[], text, text, timestamptz),
  private.webhook_was_alive(timestamptz, interval, timestamptz), private.judge_unconfirmed(timestamptz, bigint),
  public.claim_due(timestamptz, integer, integer, bigint, uuid),
  public.expire_steps(timestamptz, bigint, uuid[], text[]),
  public.hand_over(timestamptz, timestamptz, uuid, text, uuid, uuid[], text[]), public.sweep(timestamptz, bigint),
  public.mark_as_sent(uuid[], timestamptz), public.send_again(uuid[], timestamptz)
  from public, anon, authenticated, service_role;
grant execute on function
  public.still_wanted(timestamptz, uuid, uuid[]), private.account_room(timestamptz), private.go_on(uuid[], timestamptz), private.uncount(uuid[]),
  private.count_for_breakers(uuid[], text), private.judge_unconfirmed(timestamptz, bigint),
  public.claim_due(timestamptz, integer, integer, bigint, uuid),
  public.expire_steps(timestamptz, bigint, uuid[], text[]),
  public.hand_over(timestamptz, timestamptz, uuid, text, uuid, uuid[], text[]), public.sweep(timestamptz, bigint)
  to service_role;
grant execute on function public.mark_as_sent(uuid[], timestamptz), public.send_again(uuid[], timestamptz) to authenticated;
