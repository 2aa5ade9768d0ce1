-- Claim, hand-over and what comes between: replaces statements of 20261121000700_engine.sql. New are quiet contacts,
-- e-mails that expire, the account's daily cap, and the request each e-mail leaves in.

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

revoke all on function
  private.account_room(timestamptz), private.go_on(uuid[], timestamptz), private.uncount(uuid[]),
  public.claim_due(timestamptz, integer, integer, bigint, uuid),
  public.expire_steps(timestamptz, bigint, uuid[], text[]), public.still_wanted(timestamptz, uuid, uuid[]),
  public.hand_over(timestamptz, timestamptz, uuid, text, uuid, uuid[], text[])
  from public, anon, authenticated, service_role;
grant execute on function
  private.account_room(timestamptz), private.go_on(uuid[], timestamptz), private.uncount(uuid[]),
  public.claim_due(timestamptz, integer, integer, bigint, uuid),
  public.expire_steps(timestamptz, bigint, uuid[], text[]), public.still_wanted(timestamptz, uuid, uuid[]),
  public.hand_over(timestamptz, timestamptz, uuid, text, uuid, uuid[], text[])
  to service_role;
