-- What merged contacts were sent is looked up by contact. As a join, the planner of a young database, which has counted
-- nothing yet, began with all e-mails of the step instead, for each contact that was due: five thousand took a minute.
-- An array is worked out first, so that there is only one way to go; for nearly everybody it is empty.

create or replace function public.claim_due(
  p_now timestamptz, p_limit integer, p_lease_seconds integer, p_run bigint, p_token uuid)
returns table (
  send_id uuid, enrollment_id uuid, contact_id uuid, campaign_id uuid, template_id uuid, step smallint,
  email text, first_name text, last_name text, company_name text, job_title text,
  industry text, city text, country text, time_zone text,
  owner_name text, owner_email text, owner_phone text, recent_sends timestamptz[], expires_at timestamptz)
language plpgsql set search_path = '' set plan_cache_mode = force_generic_plan set enable_seqscan = off
set statement_timeout = '55s' as $$
declare
  turn record;
  claimed uuid[];
  on_their_way uuid[];
  willing uuid[];
  behind uuid[];
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
                    when c.quiet_until > p_now then 'quiet'
                    -- Nearly nobody was merged with another, and the index says so at once.
                    when exists (
                      select from public.email_sends s
                      where s.contact_id = any (array(select m.id from public.contacts m where m.merged_into = c.id))
                        and s.campaign_id = turn.campaign_id and s.step = turn.step and s.run >= e.run
                        and private.gone_through(s)) then 'received'
                    else 'eligible' end as standing
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
               case due.standing when 'quiet' then 'quiet' when 'received' then 'already_received' else 'not_eligible' end,
               case due.standing when 'quiet' then 'The contact is not to be written to for a while.'
                 when 'received' then
                   'A contact merged into this one received this e-mail or had it left out; it is not sent.'
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
             array(select due.id from due where due.standing = 'eligible'), (select count(*) from due),
             array(select due.id from due where due.standing = 'received')
      into claimed, on_their_way, willing, taken, behind;
      if cardinality(behind) > 0 then
        perform private.go_on(behind, p_now);
      end if;

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
              where r.contact_id = any (array(select s.contact_id union all
                                              select m.id from public.contacts m where m.merged_into = s.contact_id))
                and r.id <> s.id and r.status not in ('retry', 'failed')
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

create or replace function private.guard_enrollment_runs() returns trigger
language plpgsql security definer set search_path = '' set enable_seqscan = off as $$
begin
  -- "Is not distinct from", so that only the contact is looked up: with both in an index's reach, the planner read everybody
  -- of the campaign for each of fifty thousand new enrollments.
  if exists (
    select from added a
    cross join lateral (
      select max(o.run) as run, max(o.run) filter (where o.id = a.restarted_from) as restarted
      from public.campaign_enrollments o
      where o.contact_id = a.contact_id and o.campaign_id is not distinct from a.campaign_id
        and o.id not in (select x.id from added x)) own
    cross join lateral (
      select greatest(own.run, max(o.run)) as run
      from public.campaign_enrollments o
      where o.contact_id = any (array(select m.id from public.contacts m where m.merged_into = a.contact_id))
        and o.campaign_id is not distinct from a.campaign_id) family
    where case
      -- Of somebody else's enrollment there is no run, and the restart is refused.
      when a.restarted_from is not null then own.restarted is null or a.run is distinct from family.run + 1
      else a.run not between coalesce(own.run, 1) and coalesce(family.run, 1) end) then
    raise exception 'The run of an enrollment grows only by an explicit restart.' using errcode = 'MP004';
  end if;
  return null;
end
$$;

create or replace function private.next_unreceived(p_contact uuid, p_campaign uuid, p_run integer)
returns table (step smallint, delay_days smallint, last_sent_at timestamptz)
language sql stable security definer set search_path = '' as $$
  with sent as (
    select s.step, coalesce(s.handed_over_at, s.claimed_at) as sent_at
    from public.email_sends s
    where s.contact_id = p_contact and s.campaign_id = p_campaign and s.run = p_run
      and s.status not in ('claimed', 'retry')
    union all
    select s.step, coalesce(s.handed_over_at, s.claimed_at)
    from public.email_sends s
    where s.contact_id = any (array(select m.id from public.contacts m where m.merged_into = p_contact))
      and s.campaign_id = p_campaign and s.run >= p_run and private.gone_through(s)),
  received as (
    select max(t.position) as position, max(s.sent_at) as sent_at
    from sent s
    left join public.drip_campaign_templates t
      on t.campaign_id = p_campaign and t.step = s.step and t.status = 'published')
  select t.step, t.delay_days, r.sent_at
  from received r
  join public.drip_campaign_templates t on t.campaign_id = p_campaign and t.status = 'published'
    and t.position > coalesce(r.position, 0)
  where not exists (select from sent s where s.step = t.step)
  order by t.position limit 1
$$;
