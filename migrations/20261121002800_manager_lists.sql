-- What the campaign manager lists: campaigns with their counts, the enrollments of one a page at a time, what is put
-- off, and restarting many at once. At 300,000 enrollments each answers from an index.

-- Counts and pages of a campaign's enrollments. (An enrollment's id grows with time: the newest has the highest.)
create index enrollments_of_campaign on public.campaign_enrollments (campaign_id, status, id desc);
-- What a decision put off to a later moment.
create index drip_decisions_until on public.drip_decisions (until) where until is not null;

-- The view it replaces counted every e-mail ever sent.
drop view public.campaign_overview;
-- Every campaign with its counts, for colleagues: the same for all, also where a colleague may not read each e-mail.
create function public.campaign_states()
returns table (id uuid, key text, name text, description text, status text, paused_reason text, window_days smallint[],
  window_start time, window_end time, respect_holidays boolean, active_count bigint, paused_count bigint,
  completed_count bigint, stopped_count bigint, held_count bigint, step_count bigint, next_send_at timestamptz)
language plpgsql stable security definer set search_path = '' as $$
begin
  if not private.acts_as_service() and not private.is_staff() then
    return;
  end if;
  return query
  select d.id, d.key, d.name, d.description, d.status, d.paused_reason, d.window_days, d.window_start, d.window_end,
         d.respect_holidays, coalesce(n.active, 0), coalesce(n.paused, 0), coalesce(n.completed, 0),
         coalesce(n.stopped, 0), coalesce(h.held, 0), s.steps, s.earliest
  from public.drip_campaigns d
  left join (
    select e.campaign_id, count(*) filter (where e.status = 'active') as active,
           count(*) filter (where e.status = 'paused') as paused,
           count(*) filter (where e.status = 'completed') as completed,
           count(*) filter (where e.status = 'stopped') as stopped
    from public.campaign_enrollments e group by e.campaign_id) n on n.campaign_id = d.id
  left join (
    select m.campaign_id, count(*) as held from public.email_sends m
    where m.held_at is not null group by m.campaign_id) h on h.campaign_id = d.id
  -- Step by step the index of due rows knows the earliest at once.
  cross join lateral (
    select count(*) as steps, min(f.next_send_at) as earliest
    from public.drip_campaign_templates t
    left join lateral (
      select e.next_send_at from public.campaign_enrollments e
      where e.campaign_id = t.campaign_id and e.next_step = t.step and e.status = 'active'
        and e.next_send_at is not null
      order by e.next_send_at limit 1) f on true
    where t.campaign_id = d.id and t.status = 'published') s
  order by (select min(y.position) from public.contact_types y where y.campaign_id = d.id), d.name;
end
$$;

-- The enrollments of a campaign that fit, the newest first. p_filter, a JSON text, may name statuses, reasons, steps
-- (the e-mail that comes next), owner and words (as find_contacts takes them); p_before is the last id of the page before.
-- It runs with the owner's rights and asks is_staff() itself, as find_contacts does and for the same reason.
create function private.fitting_enrollments(p_campaign uuid, p_filter jsonb, p_before uuid, p_limit integer)
returns setof uuid
language plpgsql stable security definer set search_path = '' set plan_cache_mode = force_custom_plan as $$
declare
  statuses text[] := array(select jsonb_array_elements_text(p_filter -> 'statuses'));
  reasons text[] := array(select jsonb_array_elements_text(p_filter -> 'reasons'));
  steps smallint[] := array(select s::smallint from jsonb_array_elements_text(p_filter -> 'steps') s);
  owner uuid := p_filter ->> 'owner';
  -- The longest first: it is what the index is asked for.
  patterns text[] := array(select private.pattern_of(w) from jsonb_array_elements_text(p_filter -> 'words') w
                           order by length(w) desc);
begin
  if not private.acts_as_service() and not private.is_staff() then
    return;
  end if;
  if cardinality(statuses) = 0 then
    statuses := '{active,paused,completed,stopped}';
  end if;
  if owner is null and cardinality(patterns) = 0 then
    -- Status by status the index gives the first ones in order.
    return query
    select e.id from unnest(statuses) as wanted (status)
    cross join lateral (
      select x.id from public.campaign_enrollments x
      where x.campaign_id = p_campaign and x.status = wanted.status
        and (p_before is null or x.id < p_before)
        and (cardinality(reasons) = 0 or x.reason = any (reasons))
        and (cardinality(steps) = 0 or x.next_step = any (steps))
      order by x.id desc limit p_limit) e
    order by e.id desc limit p_limit;
    return;
  end if;
  return query
  select e.id from public.campaign_enrollments e
  join public.contacts c on c.id = e.contact_id
  where e.campaign_id = p_campaign and e.status = any (statuses)
    and (p_before is null or e.id < p_before)
    and (cardinality(reasons) = 0 or e.reason = any (reasons))
    and (cardinality(steps) = 0 or e.next_step = any (steps))
    and (owner is null or c.owner_id = owner)
    and (cardinality(patterns) = 0 or c.search_text like patterns[1])
    and (cardinality(patterns) < 2 or c.search_text like all (patterns))
  order by e.id desc limit p_limit;
end
$$;

create function public.find_enrollments(p_campaign uuid, p_filter text, p_before uuid, p_limit integer)
returns table (id uuid, contact_id uuid, contact_name text, email text, company_name text, owner_name text,
  status text, reason text, run integer, enrolled_at timestamptz, ended_at timestamptz, next_send_at timestamptz,
  last_sent_at timestamptz, next_template_name text, next_position smallint, step_count bigint, may_change boolean)
language sql stable security definer set search_path = '' as $$
  select e.id, e.contact_id, btrim(c.first_name || ' ' || c.last_name), c.email::text, c.company_name, o.full_name,
         e.status, e.reason, e.run, e.enrolled_at, e.ended_at, e.next_send_at, e.last_sent_at, t.name, t.position,
         (select count(*) from public.drip_campaign_templates s
          where s.campaign_id = e.campaign_id and s.status = 'published'),
         private.is_admin() or private.acts_as_service() or coalesce(private.user_id() in (c.owner_id, c.created_by), false)
  from private.fitting_enrollments(p_campaign, p_filter::jsonb, p_before, p_limit) f (id)
  join public.campaign_enrollments e on e.id = f.id
  join public.contacts c on c.id = e.contact_id
  left join public.profiles o on o.id = c.owner_id
  left join public.drip_campaign_templates t
    on t.campaign_id = e.campaign_id and t.step = e.next_step and t.status = 'published'
  order by e.id desc
$$;

-- The ids alone, for what is done to all that fit.
create function public.find_enrollment_ids(p_campaign uuid, p_filter text, p_before uuid, p_limit integer)
returns setof uuid language sql stable security definer set search_path = '' as $$
  select f.id from private.fitting_enrollments(p_campaign, p_filter::jsonb, p_before, p_limit) f (id)
  where private.acts_as_service() or private.is_staff()
  order by f.id desc
$$;

-- How many fit, counted up to p_most.
create function public.count_enrollments(p_campaign uuid, p_filter text, p_most integer) returns bigint
language sql stable security definer set search_path = '' as $$
  select count(*) from private.fitting_enrollments(p_campaign, p_filter::jsonb, null, p_most)
  where private.acts_as_service() or private.is_staff()
$$;

-- Each begins again with its first e-mail, or stays as it is. How many of each: restarted, not_yours, not_the_latest,
-- may_not_be_written_to, in_another_type_campaign.
create function public.restart_enrollments(p_enrollments uuid[], p_now timestamptz)
returns table (outcome text, enrollments bigint)
language plpgsql security definer set search_path = '' as $$
declare
  one uuid;
  outcomes text[] := '{}';
begin
  if not private.acts_as_service() and not private.is_staff() then
    return;
  end if;
  foreach one in array p_enrollments loop
    begin
      perform public.restart_enrollment(one, p_now);
      outcomes := outcomes || 'restarted'::text;
    exception
      when insufficient_privilege then outcomes := outcomes || 'not_yours'::text;
      when sqlstate 'MP004' then outcomes := outcomes || 'not_the_latest'::text;
      when sqlstate 'MP006' then outcomes := outcomes || 'may_not_be_written_to'::text;
      when unique_violation then outcomes := outcomes || 'in_another_type_campaign'::text;
    end;
  end loop;
  return query select o, count(*) from unnest(outcomes) o group by o order by o;
end
$$;
alter function public.restart_enrollments(uuid[], timestamptz) set statement_timeout = '55s';

-- E-mails whose time had come and that a decision put off, the soonest first; with the decision's reason. Acts with the
-- reader's own rights: a decision is shown to whom the contact belongs.
create function public.postponed_enrollments(p_now timestamptz, p_limit integer)
returns table (enrollment_id uuid, contact_id uuid, contact_name text, campaign_name text, email_name text,
  reason text, explanation text, decided_at timestamptz, until timestamptz)
language sql stable set search_path = '' as $$
  select l.enrollment_id, l.contact_id, btrim(c.first_name || ' ' || c.last_name), d.name, t.name, l.reason,
         l.explanation, l.decided_at, l.until
  from (
    select distinct on (y.until, y.enrollment_id)
           y.enrollment_id, y.contact_id, y.campaign_id, y.reason, y.explanation, y.decided_at, y.until, e.next_step
    from public.drip_decisions y
    join public.campaign_enrollments e
      on e.id = y.enrollment_id and e.status = 'active' and e.next_send_at = y.until and e.next_step = y.step
    where y.until > p_now
    order by y.until, y.enrollment_id, y.id desc
    limit p_limit) l
  join public.contacts c on c.id = l.contact_id
  join public.drip_campaigns d on d.id = l.campaign_id
  left join public.drip_campaign_templates t
    on t.campaign_id = l.campaign_id and t.step = l.next_step and t.status = 'published'
  order by l.until, l.enrollment_id
$$;

-- How many wait in each part of the queue, as far as the reader may see them; what is put off counts up to p_most.
create function public.queue_counts(p_now timestamptz, p_most integer)
returns table (due bigint, put_off bigint, unconfirmed bigint, failed bigint)
language sql stable set search_path = '' as $$
  select coalesce((select sum(s.due) from public.due_by_step(p_now) s), 0)::bigint,
         (select count(*) from public.postponed_enrollments(p_now, p_most)),
         h.unconfirmed, h.failed
  from (select count(*) filter (where m.status = 'unconfirmed') as unconfirmed,
               count(*) filter (where m.status = 'failed') as failed
        from public.email_sends m where m.held_at is not null) h
  where private.is_staff()
$$;

revoke all on function private.fitting_enrollments(uuid, jsonb, uuid, integer), public.campaign_states(),
  public.find_enrollments(uuid, text, uuid, integer), public.find_enrollment_ids(uuid, text, uuid, integer),
  public.count_enrollments(uuid, text, integer), public.restart_enrollments(uuid[], timestamptz),
  public.postponed_enrollments(timestamptz, integer), public.queue_counts(timestamptz, integer)
  from public, anon, authenticated, service_role;
grant execute on function public.campaign_states(),
  public.find_enrollments(uuid, text, uuid, integer), public.find_enrollment_ids(uuid, text, uuid, integer),
  public.count_enrollments(uuid, text, integer), public.restart_enrollments(uuid[], timestamptz)
  to authenticated, service_role;
grant execute on function public.postponed_enrollments(timestamptz, integer), public.queue_counts(timestamptz, integer)
  to authenticated;
