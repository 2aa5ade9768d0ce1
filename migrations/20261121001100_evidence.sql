-- Settling by evidence: what nobody can be sure of is settled by what the provider reports, never by guessing.
-- Replaces statements of 20261121000700_engine.sql; docs/adr/0006 has the rule and its reasons.

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
-- What is later goes by the order of the hand-overs (p_number is the request's own), and the grace by when reports came
-- in: a scheduler whose clock is hours off must not make silence look long.
create function private.webhook_was_alive(
  p_sent_at timestamptz, p_grace interval, p_now timestamptz, p_number bigint default 0)
returns boolean
language sql stable security definer set search_path = '' as $$
  with around as (
    select r.handed_over_at, r.first_event_at, least(r.heard_of_count, r.accepted_count) as heard_of,
           r.heard_of_count >= r.accepted_count as complete, r.number > p_number as is_later,
           (p_number > 0 and abs(r.number - p_number) <= 5) or r.handed_over_at <= p_sent_at + interval '15 minutes' as is_near
    from public.send_requests r
    where r.accepted_count > 0
      and (r.handed_over_at > p_sent_at - interval '15 minutes' or (p_number > 0 and abs(r.number - p_number) <= 5))
      -- The youngest may still be heard of.
      and (r.heard_of_count >= r.accepted_count or r.handed_over_at <= p_now - interval '15 minutes')),
  later as (
    select a.*, (not a.complete
                 or a.handed_over_at - lag(a.handed_over_at, 1, a.handed_over_at) over w > p_grace + interval '15 minutes')::integer as breaks
    from around a where a.is_later and a.handed_over_at > p_sent_at window w as (order by a.handed_over_at)),
  chains as (
    select l.*, sum(l.breaks) over (order by l.handed_over_at rows unbounded preceding) as chain from later l)
  select not exists (select from around a where not a.complete and a.is_near)
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
    select s.id, s.handed_over_at, coalesce((
             select r.number from public.send_requests r where r.id = s.request_id), 0) as number
    from public.email_sends s
    where s.held_at is not null and s.status = 'unconfirmed' and s.handed_over_at <= p_now - grace
      and s.attempts < most_attempts
    for no key update skip locked),
  moments as (
    select m.handed_over_at, m.number from (select distinct handed_over_at, number from silent) m
    where private.webhook_was_alive(m.handed_over_at, grace, p_now, m.number)),
  again as (
    update public.email_sends s
    set status = 'retry', retry_at = p_now, held_at = null, lease_token = null,
        reason = 'The provider never took it; it is due again.'
    from silent x join moments m on m.handed_over_at = x.handed_over_at and m.number = x.number
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
  private.count_for_breakers(uuid[], text), private.accept_by_evidence(uuid[], text, text, timestamptz),
  private.webhook_was_alive(timestamptz, interval, timestamptz, bigint), private.due_again(uuid[], timestamptz),
  private.judge_unconfirmed(timestamptz, bigint), public.sweep(timestamptz, bigint),
  public.mark_as_sent(uuid[], timestamptz), public.send_again(uuid[], timestamptz)
  from public, anon, authenticated, service_role;
grant execute on function
  private.count_for_breakers(uuid[], text), private.judge_unconfirmed(timestamptz, bigint),
  public.sweep(timestamptz, bigint)
  to service_role;
grant execute on function public.mark_as_sent(uuid[], timestamptz), public.send_again(uuid[], timestamptz) to authenticated;
