-- The engine's statements: start a run, sweep, claim, postpone, hand over, settle.
-- Only the scheduler (service_role) may call them. Time always arrives as p_now.
--
-- The three hot ones plan once, for unknown values, and without sequential scans: every look-up in them has
-- an index, and a plan made while a table was small (or a lease seemed rare) cost 300 ms a batch later on.

create function public.start_run(p_now timestamptz, p_trigger text, p_host text, p_sender text) returns bigint
language sql set search_path = '' as $$
  insert into public.scheduler_runs (started_at, trigger, host, sender)
  values (p_now, p_trigger, p_host, p_sender::jsonb) returning id
$$;

create function public.finish_run(p_run bigint, p_now timestamptz, p_counts text, p_error text, p_next_run_at timestamptz)
returns void language sql set search_path = '' as $$
  update public.scheduler_runs
  set finished_at = p_now, counts = p_counts::jsonb, error = p_error, next_run_at = p_next_run_at,
      status = case when p_error = '' then 'ok' else 'failed' end,
      leased_until = case when exists (
        select from public.email_sends s where s.scheduler_run_id = p_run and s.lease_until is not null)
        then leased_until end
  where id = p_run
$$;

-- Somebody pressed "Run now": noted here, taken once by whichever scheduler asks first.
create function public.request_run(p_now timestamptz) returns void
language plpgsql security definer set search_path = '' as $$
begin
  if not private.is_admin() then
    raise exception 'Only an admin starts a run.' using errcode = '42501';
  end if;
  update public.app_settings set value = to_jsonb(p_now), updated_at = p_now where key = 'run_requested_at';
end
$$;
create function public.take_run_request(p_now timestamptz) returns boolean
language sql security definer set search_path = '' as $$
  with taken as (
    update public.app_settings set value = 'null', updated_at = p_now
    where key = 'run_requested_at' and value <> 'null' returning 1)
  select exists (select from taken)
$$;

create function public.halt_sending(p_reason text, p_now timestamptz) returns void
language sql security definer set search_path = '' as $$
  update public.app_settings set value = to_jsonb(p_reason), updated_at = p_now where key = 'sending_halt'
$$;
create function public.resume_sending(p_now timestamptz) returns void
language plpgsql security definer set search_path = '' as $$
begin
  if not private.is_admin() then
    raise exception 'Only an admin resumes sending.' using errcode = '42501';
  end if;
  update public.app_settings set value = 'null', updated_at = p_now where key = 'sending_halt';
end
$$;

-- Judges leases that ran out. Before the hand-over nothing can have left: the claim is released.
-- After it nobody knows: the send is held as unconfirmed, never sent again by itself.
create function public.sweep(p_now timestamptz, p_run bigint) returns table (released bigint, unconfirmed bigint)
language plpgsql set search_path = '' set enable_seqscan = off as $$
begin
  -- Nearly always nothing is overdue, and looking at the sends costs more than knowing that.
  if not exists (select from public.scheduler_runs r where r.leased_until <= p_now) then
    return query select 0::bigint, 0::bigint;
    return;
  end if;
  return query
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
             else 'The scheduler stopped while the provider had it. It is held until somebody decides.' end, p_run
    from judged j)
  select count(*) filter (where j.status = 'retry'), count(*) filter (where j.status = 'unconfirmed') from judged j;
  -- A run stays open while a lease of it is left, be it one that another sweep is judging right now.
  update public.scheduler_runs r
  set leased_until = (select max(s.lease_until) from public.email_sends s where s.scheduler_run_id = r.id)
  where r.leased_until <= p_now;
end
$$;

-- Takes up to p_limit due enrollments of one step, so that they travel as one request. Rows that may not
-- be written to are stopped here, in the claiming statement itself, and never returned.
create function public.claim_due(
  p_now timestamptz, p_limit integer, p_lease_seconds integer, p_run bigint, p_token uuid)
returns table (
  send_id uuid, enrollment_id uuid, contact_id uuid, campaign_id uuid, template_id uuid, step smallint,
  email text, first_name text, last_name text, company_name text, job_title text,
  industry text, city text, country text, time_zone text,
  owner_name text, owner_email text, owner_phone text, recent_sends timestamptz[])
language plpgsql set search_path = '' set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
declare
  turn record;
  claimed uuid[];
  on_their_way uuid[];
  willing uuid[];
  taken integer;
begin
  if exists (select from public.app_settings where key = 'sending_halt' and value <> 'null') then
    return;
  end if;
  for turn in
    select t.campaign_id, t.step, t.id as template_id
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
        select e.id, e.contact_id, e.run, c.email,
               c.archived_at is null and c.email_status = 'ok' and c.email is not null
                 and not exists (select from public.suppressions s where s.email = c.email) as eligible
        from public.campaign_enrollments e
        join public.contacts c on c.id = e.contact_id
        where e.campaign_id = turn.campaign_id and e.next_step = turn.step
          and e.status = 'active' and e.next_send_at <= p_now
        order by e.next_send_at
        limit p_limit
        for no key update of e, c skip locked),
      under_way as (
        update public.campaign_enrollments e set next_send_at = null, updated_at = p_now
        from due where e.id = due.id and due.eligible),
      stopped as (
        update public.campaign_enrollments e
        set status = 'stopped', reason = 'suppressed', ended_at = p_now, next_send_at = null, updated_at = p_now
        from due where e.id = due.id and not due.eligible),
      told as (
        insert into public.drip_decisions
          (contact_id, enrollment_id, campaign_id, step, decided_at, reason, explanation, scheduler_run_id)
        select due.contact_id, due.id, turn.campaign_id, turn.step, p_now, 'not_eligible',
               'This contact may not be written to: archived, unsubscribed or on the suppression list.', p_run
        from due where not due.eligible),
      inserted as (
        insert into public.email_sends as s
          (enrollment_id, contact_id, campaign_id, step, run, template_id, to_email,
           lease_token, lease_until, claimed_at, scheduler_run_id)
        select due.id, due.contact_id, turn.campaign_id, turn.step, due.run, turn.template_id, due.email,
               p_token, p_now + p_lease_seconds * interval '1 second', p_now, p_run
        from due where due.eligible
        on conflict on constraint one_email_a_step_and_run do update
          set status = 'claimed', enrollment_id = excluded.enrollment_id, template_id = excluded.template_id,
              to_email = excluded.to_email, lease_token = excluded.lease_token, lease_until = excluded.lease_until,
              claimed_at = excluded.claimed_at, scheduler_run_id = excluded.scheduler_run_id,
              attempts = s.attempts + 1, retry_at = null, held_at = null, reason = '',
              handed_over_at = null, merge_values = null
          where s.status = 'retry'
        returning s.id, s.enrollment_id)
      select array(select i.id from inserted i), array(select i.enrollment_id from inserted i),
             array(select due.id from due where due.eligible), (select count(*) from due)
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
                and coalesce(r.handed_over_at, r.claimed_at) > p_now - interval '48 hours')
      from public.email_sends s
      join public.contacts c on c.id = s.contact_id
      left join public.profiles o on o.id = c.owner_id
      where s.id = any (claimed);
      return;
    end if;
  end loop;
end
$$;

-- Enrollments whose claim found the step already sent in this run: on to the first unreceived step.
-- One whose send is still under way or held looks again in an hour.
create function private.skip_received(p_enrollments uuid[], p_now timestamptz, p_run bigint) returns void
language plpgsql set search_path = '' as $$
begin
  with stuck as (
    select e.id, e.contact_id, e.campaign_id, e.next_step, s.status in ('claimed', 'handed_over', 'unconfirmed') as open,
           n.step, n.delay_days, n.last_sent_at
    from public.campaign_enrollments e
    join public.email_sends s on s.contact_id = e.contact_id and s.campaign_id = e.campaign_id
      and s.step = e.next_step and s.run = e.run
    left join lateral private.next_unreceived(e.contact_id, e.campaign_id, e.run) n on true
    where e.id = any (p_enrollments)),
  told as (
    insert into public.drip_decisions
      (contact_id, enrollment_id, campaign_id, step, decided_at, reason, explanation, scheduler_run_id)
    select contact_id, id, campaign_id, next_step, p_now, 'already_received',
           case when open then 'This e-mail is under way or held already; it is looked at again in an hour.'
                else 'This contact received this e-mail before; it is not sent again.' end, p_run from stuck),
  waiting as (
    update public.campaign_enrollments e set next_send_at = p_now + interval '1 hour', updated_at = p_now
    from stuck where e.id = stuck.id and stuck.open)
  update public.campaign_enrollments e
  set next_step = stuck.step,
      next_send_at = case when stuck.step is not null
        then greatest(p_now, stuck.last_sent_at + stuck.delay_days * interval '1 day') end,
      status = case when stuck.step is null then 'completed' else 'active' end,
      ended_at = case when stuck.step is null then p_now end,
      updated_at = p_now
  from stuck where e.id = stuck.id and not stuck.open;
end
$$;

-- Not now: the claim is given back with the reason, due again at p_untils. An element of p_untils that
-- is null keeps the enrollment where it is (stopped contacts stay stopped).
create function public.postpone(
  p_now timestamptz, p_run bigint, p_sends uuid[], p_untils timestamptz[], p_reasons text[], p_explanations text[])
returns bigint language plpgsql set search_path = '' as $$
declare
  moved bigint;
begin
  with given as (
    select * from unnest(p_sends, p_untils, p_reasons, p_explanations) g (id, until, reason, explanation)),
  back as (
    update public.email_sends s
    set status = 'retry', lease_token = null, lease_until = null, retry_at = coalesce(g.until, p_now), reason = g.explanation
    -- Of this run alone: whoever overslept its lease must not give back what another has claimed since.
    from given g where s.id = g.id and s.status = 'claimed' and s.scheduler_run_id = p_run
    returning s.enrollment_id, s.contact_id, s.campaign_id, s.step, g.until, g.reason, g.explanation),
  due_again as (
    update public.campaign_enrollments e
    set next_send_at = coalesce(b.until, p_now), updated_at = p_now
    from back b where e.id = b.enrollment_id and e.status in ('active', 'paused')),
  told as (
    insert into public.drip_decisions
      (contact_id, enrollment_id, campaign_id, step, decided_at, reason, explanation, until, scheduler_run_id)
    select contact_id, enrollment_id, campaign_id, step, p_now, back.reason, back.explanation, back.until, p_run from back)
  select count(*) into moved from back;
  return moved;
end
$$;

-- What the hand-over refused goes back with the reason, due again at once unless something stopped it.
create function public.give_back(p_now timestamptz, p_run bigint, p_sends uuid[]) returns bigint
language sql set search_path = '' as $$
  select public.postpone(
    p_now, p_run, array_agg(w.id), array_agg(null::timestamptz), array_agg(w.reason), array_agg(w.explanation))
  from (
    select s.id,
      case when h.value <> 'null' then 'sending_halted' when s.lease_until <= p_now then 'lease_expired'
           else 'consent_withdrawn' end as reason,
      case when h.value <> 'null' then 'All sending was stopped before it left; it is due again when sending goes on.'
           when c.archived_at is not null then 'Not sent: the contact was archived.'
           when c.email is null then 'Not sent: the contact has no address.'
           when c.email_status <> 'ok' then 'Not sent: ' || private.words_for(c.email_status) || '.'
           when x.email is not null then 'Not sent: the address is suppressed.'
           when e.status in ('stopped', 'paused') then
             'Not sent: ' || coalesce(nullif(private.words_for(e.reason), ''), e.status) || '.'
           when d.status <> 'active' then 'The campaign was paused before it left; it is due again when that resumes.'
           when c.email <> s.to_email then 'The address was changed before it left; it goes to the new one.'
           when s.lease_until <= p_now then 'It was not handed over in time; it is due again.'
           else 'Something changed before it left; it is due again.' end as explanation
    from public.email_sends s
    join public.contacts c on c.id = s.contact_id
    join public.drip_campaigns d on d.id = s.campaign_id
    left join public.campaign_enrollments e on e.id = s.enrollment_id
    left join public.suppressions x on x.email = c.email
    left join public.app_settings h on h.key = 'sending_halt'
    where s.id = any (p_sends)) w
$$;

-- The last look before the request leaves: still ours, still wanted. Returns the sends that may go;
-- the content is fixed here, so that whatever happens next, what was sent can be shown.
create function public.hand_over(
  p_now timestamptz, p_token uuid, p_provider text, p_sends uuid[], p_merge_values text[])
returns setof uuid
language plpgsql set search_path = '' set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
begin
  return query
  update public.email_sends s
  set status = 'handed_over', handed_over_at = p_now, provider = p_provider, merge_values = v.merge_values::json
  from unnest(p_sends, p_merge_values) v (id, merge_values), public.campaign_enrollments e, public.contacts c,
       public.drip_campaigns d
  where s.id = v.id and s.status = 'claimed' and s.lease_token = p_token and s.lease_until > p_now
    and e.id = s.enrollment_id and e.status = 'active'
    and d.id = s.campaign_id and d.status = 'active'
    and c.id = s.contact_id and c.archived_at is null and c.email_status = 'ok' and c.email = s.to_email
    and not exists (select from public.suppressions x where x.email = s.to_email)
    and not exists (select from public.app_settings a where a.key = 'sending_halt' and a.value <> 'null')
  returning s.id;
end
$$;

-- Writes down what became of a request and moves every enrollment on. Idempotent: a send that is
-- already settled is left alone. p_next_steps null with status accepted means the campaign is complete.
create function public.settle(
  p_now timestamptz, p_run bigint, p_token uuid, p_sends uuid[], p_statuses text[], p_message_ids text[],
  p_reasons text[], p_retry_ats timestamptz[], p_next_steps smallint[], p_next_send_ats timestamptz[],
  p_address_refused boolean[])
returns bigint language plpgsql set search_path = '' set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
declare
  settled uuid[];
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
    returning s.id, s.enrollment_id, s.contact_id, s.step, s.template_id, g.status, g.next_step, g.next_send_at, g.retry_at),
  moved_on as (
    update public.campaign_enrollments e
    set last_step = d.step, last_sent_at = p_now, next_step = d.next_step, updated_at = p_now,
        next_send_at = case when e.status in ('active', 'paused') then d.next_send_at end
    from done d where e.id = d.enrollment_id and d.status = 'accepted'),
  logged as (
    insert into public.activities (contact_id, occurred_at, kind, summary, actor_id, enrollment_id, send_id)
    select d.contact_id, p_now, 'email_sent', 'E-mail sent: ' || t.name, null, d.enrollment_id, d.id
    from done d join public.drip_campaign_templates t on t.id = d.template_id
    where d.status = 'accepted')
  select array_agg(d.id), array_agg(d.enrollment_id) filter (where d.status = 'accepted' and d.next_step is null)
  into settled, finished from done d;

  -- Last e-mail of the sequence: a statement of its own, because only setting the status writes the timeline.
  if finished is not null then
    update public.campaign_enrollments e
    set status = 'completed', ended_at = p_now, next_send_at = null, updated_at = p_now
    from unnest(finished) f (id) where e.id = f.id and e.status in ('active', 'paused');
  end if;

  if troubled and settled is not null then
    perform private.settle_trouble(
      p_now, p_run,
      -- Only what was settled just now: said twice, it is still written down once.
      array(select d.id from unnest(p_sends) with ordinality g (id, n)
            left join unnest(settled) d (id) on d.id = g.id order by g.n),
      p_statuses, p_reasons, p_retry_ats, p_address_refused);
  end if;
  return coalesce(cardinality(settled), 0);
end
$$;

create function private.settle_trouble(
  p_now timestamptz, p_run bigint, p_sends uuid[], p_statuses text[], p_reasons text[],
  p_retry_ats timestamptz[], p_address_refused boolean[])
returns void language plpgsql set search_path = '' as $$
begin
  perform set_config('mpt.now', p_now::text, true);
  insert into public.drip_decisions
    (contact_id, enrollment_id, campaign_id, step, decided_at, reason, explanation, until, scheduler_run_id)
  select s.contact_id, s.enrollment_id, s.campaign_id, s.step, p_now,
         case g.status when 'retry' then 'provider_unreachable' when 'failed' then 'send_failed' else 'unconfirmed' end,
         coalesce(nullif(g.reason, ''), 'No reason given.'), g.retry_at, p_run
  from unnest(p_sends, p_statuses, p_reasons, p_retry_ats) g (id, status, reason, retry_at)
  join public.email_sends s on s.id = g.id and s.status = g.status
  where g.status <> 'accepted';

  -- Not accepted for certain: due again.
  update public.campaign_enrollments e set next_send_at = coalesce(g.retry_at, p_now), updated_at = p_now
  from unnest(p_sends, p_statuses, p_retry_ats) g (id, status, retry_at), public.email_sends s
  where g.status = 'retry' and s.id = g.id and s.status = 'retry' and e.id = s.enrollment_id
    and e.status in ('active', 'paused');

  insert into public.activities (contact_id, occurred_at, kind, summary, actor_id, enrollment_id, send_id)
  select s.contact_id, p_now, 'email_failed', 'E-mail not sent: ' || left(coalesce(nullif(g.reason, ''), 'no reason given'), 500),
         null, s.enrollment_id, s.id
  from unnest(p_sends, p_statuses, p_reasons) g (id, status, reason)
  join public.email_sends s on s.id = g.id and s.status = 'failed'
  where g.status = 'failed';

  -- The provider refused the address itself: the contact carries its reason, and the trigger stops it.
  update public.contacts c
  set email_status = 'invalid', email_status_reason = left(g.reason, 500), email_status_at = p_now, updated_at = p_now
  from unnest(p_sends, p_statuses, p_reasons, p_address_refused) g (id, status, reason, refused), public.email_sends s
  where g.status = 'failed' and g.refused and s.id = g.id and s.status = 'failed'
    and c.id = s.contact_id and c.email_status = 'ok' and c.email = s.to_email;

  -- Any other permanent refusal is about the e-mail, or about an address that was corrected meanwhile:
  -- hold the place and show it. (Who was stopped above is not active any more.)
  update public.campaign_enrollments e
  set status = 'paused', reason = 'send_failed', updated_at = p_now
  from unnest(p_sends, p_statuses) g (id, status), public.email_sends s
  where g.status = 'failed' and s.id = g.id and s.status = 'failed'
    and e.id = s.enrollment_id and e.status = 'active';
end
$$;

-- What a run would take up now, without touching anything.
create function public.due_by_step(p_now timestamptz)
returns table (campaign text, step smallint, email text, due bigint)
language sql stable set search_path = '' as $$
  select d.key, t.step, t.name, count(*)
  from public.drip_campaigns d
  join public.drip_campaign_templates t on t.campaign_id = d.id and t.status = 'published'
  join public.campaign_enrollments e on e.campaign_id = d.id and e.next_step = t.step
  where d.status = 'active' and e.status = 'active' and e.next_send_at <= p_now
  group by d.id, d.key, t.step, t.name, t.position order by d.id, t.position
$$;
