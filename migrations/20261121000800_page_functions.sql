-- What pages and scripts call: enrolling, pausing, stopping and restarting, the import, and the
-- read models behind lists. Views act with the reader's own rights (security_invoker).

-- Contacts the signed-in person may change: an admin all, sales their own or assigned ones.
-- The service (no person signed in) may change all.
create function private.changeable(p_contacts uuid[]) returns uuid[]
language sql stable security definer set search_path = '' as $$
  select coalesce(array_agg(c.id), '{}') from public.contacts c
  where c.id = any (p_contacts)
    and (private.acts_as_service() or private.is_admin()
         or (private.is_staff() and private.user_id() in (c.owner_id, c.created_by)))
$$;

-- p_campaign null: the campaign of each contact's type. Outcomes: enrolled, already_enrolled,
-- in_another_type_campaign, already_completed, no_campaign, no_address, archived, suppressed,
-- unsubscribed, bounced, complained, invalid, not_yours.
create function public.enroll_contacts(p_contacts uuid[], p_campaign uuid, p_source text, p_now timestamptz)
returns table (contact_id uuid, outcome text)
language plpgsql security definer set search_path = '' as $$
declare
  allowed uuid[] := private.changeable(p_contacts);
begin
  return query
  select * from private.enroll(allowed, p_campaign, p_source, p_now)
  union all
  select w.id, 'not_yours' from unnest(p_contacts) w (id) where w.id <> all (allowed);
end
$$;

-- Resuming one whose contact is by now in another type campaign, or may not be written to, changes
-- nothing for it; of several type campaigns of one contact only the newest goes on.
create function private.resume_enrollments(p_enrollments uuid[], p_now timestamptz) returns bigint
language plpgsql security definer set search_path = '' as $$
declare
  changed bigint;
begin
  with candidates as (
    select e.id, e.contact_id, e.campaign_id, e.run, e.is_type_campaign, e.next_send_at is null and not exists (
             select from public.email_sends s
             where s.contact_id = e.contact_id and s.campaign_id = e.campaign_id and s.run = e.run
               and s.step = e.next_step and s.status in ('claimed', 'handed_over', 'unconfirmed')) as dateless,
           row_number() over (partition by e.contact_id, e.is_type_campaign order by e.enrolled_at desc, e.id) as turn
    from public.campaign_enrollments e
    join public.contacts c on c.id = e.contact_id
    where e.id = any (p_enrollments) and e.status = 'paused'
      and c.archived_at is null and c.email_status = 'ok' and c.email is not null
      and not (e.is_type_campaign and exists (
        select from public.campaign_enrollments o
        where o.contact_id = e.contact_id and o.id <> e.id and o.status = 'active' and o.is_type_campaign))),
  -- One that a failed e-mail paused has no date: it goes on after that e-mail.
  planned as (
    select c.id, c.dateless, n.step, n.delay_days, n.last_sent_at
    from candidates c
    left join lateral private.next_unreceived(c.contact_id, c.campaign_id, c.run) n on c.dateless
    where c.turn = 1 or not c.is_type_campaign)
  update public.campaign_enrollments e
  set status = case when p.dateless and p.step is null then 'completed' else 'active' end,
      ended_at = case when p.dateless and p.step is null then p_now end,
      next_step = case when p.dateless then p.step else e.next_step end,
      next_send_at = case when not p.dateless then e.next_send_at
        when p.step is not null then greatest(p_now, p.last_sent_at + p.delay_days * interval '1 day') end,
      reason = '', updated_at = p_now
  from planned p where e.id = p.id;
  get diagnostics changed = row_count;
  return changed;
end
$$;

-- Returns how many enrollments changed.
create function public.change_enrollments(p_enrollments uuid[], p_action text, p_now timestamptz)
returns bigint language plpgsql security definer set search_path = '' as $$
declare
  mine uuid[];
  changed bigint;
begin
  if p_action not in ('pause', 'resume', 'stop') then
    raise exception 'Unknown action %: use pause, resume or stop.', p_action using errcode = '22023';
  end if;
  select array_agg(e.id) into mine from public.campaign_enrollments e
  where e.id = any (p_enrollments) and e.contact_id = any (private.changeable(
    array(select x.contact_id from public.campaign_enrollments x where x.id = any (p_enrollments))));
  if p_action = 'resume' then
    return private.resume_enrollments(mine, p_now);
  end if;
  update public.campaign_enrollments e
  set status = case p_action when 'pause' then 'paused' else 'stopped' end,
      reason = case p_action when 'pause' then 'paused_by_user' else 'stopped_by_user' end,
      ended_at = case p_action when 'stop' then p_now end,
      next_send_at = case p_action when 'pause' then e.next_send_at end,
      updated_at = p_now
  where e.id = any (mine)
    and (e.status = 'active' or (p_action = 'stop' and e.status = 'paused'));
  get diagnostics changed = row_count;
  return changed;
end
$$;

-- The only way a run grows: from the first e-mail again, as a new enrollment that names the old one.
create function public.restart_enrollment(p_enrollment uuid, p_now timestamptz) returns uuid
language plpgsql security definer set search_path = '' as $$
declare
  old public.campaign_enrollments;
  latest integer;
  fresh uuid;
begin
  select * into old from public.campaign_enrollments where id = p_enrollment for update;
  if old.id is null or cardinality(private.changeable(array[old.contact_id])) = 0 then
    raise exception 'You may not restart this enrollment.' using errcode = '42501';
  end if;
  select max(run) into latest from public.campaign_enrollments
  where contact_id = old.contact_id and campaign_id = old.campaign_id;
  if latest <> old.run then
    raise exception 'This enrollment was restarted already.' using errcode = 'MP004';
  end if;
  if exists (select from public.contacts where id = old.contact_id
             and (archived_at is not null or email_status <> 'ok' or email is null)) then
    raise exception 'This contact may not be written to.' using errcode = 'MP006';
  end if;
  update public.campaign_enrollments
  set status = 'stopped', reason = 'restarted', ended_at = p_now, next_send_at = null, updated_at = p_now
  where id = old.id and status in ('active', 'paused');
  insert into public.campaign_enrollments
    (contact_id, campaign_id, is_type_campaign, run, restarted_from, next_step, next_send_at, source, enrolled_at, updated_at)
  select old.contact_id, old.campaign_id, old.is_type_campaign, old.run + 1, old.id, t.step,
         p_now + t.delay_days * interval '1 day', 'manual', p_now, p_now
  from public.drip_campaign_templates t
  where t.campaign_id = old.campaign_id and t.status = 'published'
  order by t.position limit 1
  returning id into fresh;
  if fresh is null then
    raise exception 'This campaign has no published e-mails.' using errcode = 'MP006';
  end if;
  return fresh;
end
$$;

-- Failed sends get another try: the person has mended what was wrong.
create function public.retry_failed(p_sends uuid[], p_now timestamptz) returns bigint
language plpgsql security definer set search_path = '' as $$
declare
  freed bigint;
begin
  if not private.is_admin() then
    raise exception 'Only an admin sends a failed e-mail again.' using errcode = '42501';
  end if;
  -- Only where the enrollment still waits at this very e-mail; elsewhere it went on without it.
  with again as (
    update public.email_sends s
    set status = 'retry', retry_at = p_now, held_at = null, lease_token = null
    from public.campaign_enrollments e
    where s.id = any (p_sends) and s.status = 'failed'
      and e.id = s.enrollment_id and e.status = 'paused' and e.reason = 'send_failed' and e.next_step = s.step
      and not (e.is_type_campaign and exists (
        select from public.campaign_enrollments o
        where o.contact_id = e.contact_id and o.status = 'active' and o.is_type_campaign))
    returning s.enrollment_id)
  update public.campaign_enrollments e
  set status = 'active', reason = '', next_send_at = p_now, updated_at = p_now
  from again where e.id = again.enrollment_id;
  get diagnostics freed = row_count;
  return freed;
end
$$;

-- Which contact a row of the file is about: by address, or by name and company where there is none.
create function private.match_import_rows() returns void
language plpgsql set search_path = '' as $$
begin
  update pg_temp.import_rows r set contact_id = c.id, outcome = coalesce(r.outcome, 'known')
  from public.contacts c where r.contact_id is null and c.email = r.email;
  update pg_temp.import_rows r set contact_id = c.id, outcome = coalesce(r.outcome, 'known')
  from public.contacts c
  where r.contact_id is null and r.email is null and c.email is null and lower(c.last_name) = lower(r.last_name)
    and lower(c.first_name) = lower(r.first_name) and lower(c.company_name) = lower(r.company_name);
end
$$;

-- One chunk of a contact file, cleaned by crm/imports. Each row is a JSON object; the answer says for
-- every row_number what became of it: imported, updated, unchanged, skipped, suppressed, archived.
-- p_on_duplicate: 'update' fills in and overwrites with non-empty values, 'skip' leaves what is there.
create function public.import_contacts(p_rows text, p_source text, p_on_duplicate text, p_enroll boolean, p_now timestamptz)
returns table (row_number integer, outcome text, contact_id uuid)
language plpgsql security definer set search_path = '' as $$
declare
  me uuid := private.user_id();
  mine uuid[];
begin
  if not private.acts_as_service() and not private.is_staff() then
    raise exception 'Only staff import contacts.' using errcode = '42501';
  end if;
  perform set_config('mpt.now', p_now::text, true);
  perform set_config('mpt.auto_enroll', 'off', true);

  create temporary table import_rows on commit drop as
  select r.*, null::uuid as contact_id, null::text as outcome,
         -- A person who stands in the chunk twice is added once; the later row counts as known.
         row_number() over (
           partition by coalesce(r.email, lower(r.last_name) || E'\n' || lower(r.first_name) || E'\n' || lower(r.company_name))
           order by r.row_number) = 1 as leads,
         -- The id it gets if it is added.
         private.uuid_v7() as fresh_id
  from jsonb_to_recordset(p_rows::jsonb) as r (
    row_number integer, first_name text, last_name text, email text, phone text, company_name text,
    job_title text, industry text, contact_type text, owner_name text, city text, state text, country text,
    time_zone text, opted_out boolean, profile_url text, website text, tags text[], notes text);
  analyze import_rows;

  perform private.match_import_rows();

  -- Opted out: the address is suppressed first, so that the contact is stored as stopped.
  with added as (
    insert into public.suppressions (email, reason, source, created_at)
    select r.email, 'opted_out', 'import', p_now from import_rows r where r.opted_out and r.email is not null
    on conflict (email) do update set reason = excluded.reason
      where private.is_weaker(suppressions.reason, excluded.reason)
    returning suppressions.email)
  update import_rows r set outcome = 'suppressed' from added where r.email = added.email;

  with inserted as (
    insert into public.contacts as c
      (id, first_name, last_name, email, phone, company_name, job_title, industry, contact_type, owner_id,
       city, state, country, time_zone, profile_url, website, tags, notes, source, created_by, created_at, updated_at,
       email_status)
    select r.fresh_id, r.first_name, r.last_name, r.email, r.phone, r.company_name, r.job_title, r.industry,
           r.contact_type, coalesce(o.id, me), r.city, r.state, r.country, r.time_zone, r.profile_url, r.website,
           coalesce(r.tags, '{}'), r.notes, p_source, me, p_now, p_now,
           case when r.opted_out then 'unsubscribed' else 'ok' end
    from import_rows r
    left join lateral (select p.id from public.profiles p
                       where p.active and lower(p.full_name) = lower(r.owner_name) limit 1) o on true
    where r.contact_id is null and r.leads
    order by r.row_number
    on conflict (email) do nothing
    returning c.id, c.email_status)
  update import_rows r
  set contact_id = i.id,
      outcome = coalesce(r.outcome, case i.email_status when 'ok' then 'imported' else 'suppressed' end)
  from inserted i
  where r.fresh_id = i.id;
  -- Later rows of the same person, and people somebody else added this very moment.
  perform private.match_import_rows();
  mine := private.changeable(array(select r.contact_id from import_rows r));

  if p_on_duplicate = 'update' then
    with merged as (
      select distinct on (c.id) c.id,
        coalesce(nullif(r.first_name, ''), c.first_name) as first_name,
        coalesce(nullif(r.last_name, ''), c.last_name) as last_name,
        coalesce(nullif(r.phone, ''), c.phone) as phone,
        coalesce(nullif(r.company_name, ''), c.company_name) as company_name,
        coalesce(nullif(r.job_title, ''), c.job_title) as job_title,
        coalesce(nullif(r.industry, ''), c.industry) as industry,
        coalesce(nullif(r.city, ''), c.city) as city, coalesce(nullif(r.state, ''), c.state) as state,
        coalesce(nullif(r.country, ''), c.country) as country, coalesce(r.time_zone, c.time_zone) as time_zone,
        coalesce(nullif(r.profile_url, ''), c.profile_url) as profile_url,
        coalesce(nullif(r.website, ''), c.website) as website,
        c.tags || array(select t from unnest(r.tags) with ordinality u (t, n)
                        where t <> all (c.tags) group by t order by min(n)) as tags,
        coalesce(nullif(c.notes, ''), r.notes) as notes
      from import_rows r join public.contacts c on c.id = r.contact_id join unnest(mine) m (id) on m.id = c.id
      where r.outcome = 'known' and c.archived_at is null
      order by c.id, r.row_number),
    written as (
      update public.contacts c
      set first_name = m.first_name, last_name = m.last_name, phone = m.phone, company_name = m.company_name,
          job_title = m.job_title, industry = m.industry, city = m.city, state = m.state, country = m.country,
          time_zone = m.time_zone, profile_url = m.profile_url, website = m.website, tags = m.tags,
          notes = m.notes, updated_at = p_now
      from merged m
      where c.id = m.id and
        (c.first_name, c.last_name, c.phone, c.company_name, c.job_title, c.industry, c.city, c.state, c.country,
         c.time_zone, c.profile_url, c.website, c.tags, c.notes) is distinct from
        (m.first_name, m.last_name, m.phone, m.company_name, m.job_title, m.industry, m.city, m.state, m.country,
         m.time_zone, m.profile_url, m.website, m.tags, m.notes)
      returning c.id)
    update import_rows r set outcome = 'updated' from written w where r.contact_id = w.id and r.outcome = 'known';
  end if;
  update import_rows r
  set outcome = case when c.archived_at is not null then 'archived'
                     when p_on_duplicate = 'skip' then 'skipped' else 'unchanged' end
  from public.contacts c where c.id = r.contact_id and r.outcome = 'known';

  if p_enroll then
    perform private.enroll(
      array(select distinct r.contact_id from import_rows r join unnest(mine) m (id) on m.id = r.contact_id
            join public.contacts c on c.id = r.contact_id join public.contact_types y on y.key = c.contact_type
            -- Somebody who was in that campaign before left it for a reason; a file does not undo that.
            where r.outcome in ('imported', 'updated', 'unchanged') and not exists (
              select from public.campaign_enrollments e
              where e.contact_id = c.id and e.campaign_id = y.campaign_id)),
      null, 'import', p_now);
  end if;
  return query select r.row_number, r.outcome, r.contact_id from import_rows r order by r.row_number;
  drop table import_rows;
  perform set_config('mpt.auto_enroll', 'on', true);
end
$$;

create view public.contact_list with (security_invoker = true) as
select c.id, c.first_name, c.last_name, btrim(c.first_name || ' ' || c.last_name) as full_name, c.email, c.phone,
       c.company_name, c.job_title, c.industry, c.contact_type, y.label as type_label, c.owner_id, o.full_name as owner_name,
       c.city, c.state, c.country, c.time_zone, c.email_status, c.email_status_reason, c.archived_at, c.source,
       c.profile_url, c.website, c.tags, c.notes, c.created_at, c.updated_at, c.search_text,
       e.campaign_name, e.status as enrollment_status, e.next_send_at
from public.contacts c
join public.contact_types y on y.key = c.contact_type
left join public.profiles o on o.id = c.owner_id
left join lateral (
  select d.name as campaign_name, e.status, e.next_send_at
  from public.campaign_enrollments e join public.drip_campaigns d on d.id = e.campaign_id
  where e.contact_id = c.id and e.status in ('active', 'paused')
  order by e.is_type_campaign desc, e.enrolled_at desc limit 1) e on true;

create view public.enrollment_list with (security_invoker = true) as
select e.id, e.contact_id, btrim(c.first_name || ' ' || c.last_name) as contact_name, c.email, c.company_name,
       e.campaign_id, d.name as campaign_name, d.key as campaign_key, d.status as campaign_status, e.status, e.reason,
       e.run, e.source, e.enrolled_at, e.ended_at, e.next_step, e.next_send_at, e.last_step, e.last_sent_at,
       t.id as next_template_id, t.name as next_template_name, t.subject as next_subject, t.position as next_position,
       (select count(*) from public.drip_campaign_templates s
        where s.campaign_id = e.campaign_id and s.status = 'published') as step_count,
       (select count(*) from public.email_sends s
        where s.contact_id = e.contact_id and s.campaign_id = e.campaign_id and s.run = e.run
          and s.status in ('accepted', 'delivered')) as sent_count
from public.campaign_enrollments e
join public.contacts c on c.id = e.contact_id
join public.drip_campaigns d on d.id = e.campaign_id
left join public.drip_campaign_templates t
  on t.campaign_id = e.campaign_id and t.step = e.next_step and t.status = 'published';

-- The next e-mails of all campaigns, the earliest first. Step by step it reads the index of due rows
-- and stops at the limit; sorting the list itself would read every active enrollment.
create function public.upcoming_enrollments(p_limit integer) returns setof public.enrollment_list
language sql stable set search_path = '' as $$
  select l.* from (
    select e.id, e.next_send_at
    from public.drip_campaign_templates t
    cross join lateral (
      select x.id, x.next_send_at from public.campaign_enrollments x
      where x.campaign_id = t.campaign_id and x.next_step = t.step and x.status = 'active'
        and x.next_send_at is not null
      order by x.next_send_at limit p_limit) e
    where t.status = 'published'
    order by e.next_send_at limit p_limit) first
  join public.enrollment_list l on l.id = first.id
  order by l.next_send_at
$$;

create view public.send_list with (security_invoker = true) as
select s.id, s.enrollment_id, s.contact_id, btrim(c.first_name || ' ' || c.last_name) as contact_name, s.to_email,
       s.campaign_id, d.name as campaign_name, d.key as campaign_key, s.step, t.name as template_name,
       s.template_id, s.status, s.reason, s.attempts, s.claimed_at, s.handed_over_at, s.settled_at, s.retry_at, s.held_at,
       s.provider, s.provider_message_id, s.delivered_at, s.first_opened_at, s.first_clicked_at
from public.email_sends s
join public.contacts c on c.id = s.contact_id
join public.drip_campaigns d on d.id = s.campaign_id
join public.drip_campaign_templates t on t.id = s.template_id;

-- One e-mail with everything needed to show it exactly as it went out.
create view public.send_content with (security_invoker = true) as
select s.id, s.to_email, s.merge_values, s.handed_over_at, t.compiled, r.sender
from public.email_sends s
join public.drip_campaign_templates t on t.id = s.template_id
left join public.scheduler_runs r on r.id = s.scheduler_run_id
where s.merge_values is not null;

create view public.campaign_overview with (security_invoker = true) as
select d.id, d.key, d.name, d.description, d.status, d.paused_reason, d.window_days, d.window_start, d.window_end,
       d.respect_holidays,
       coalesce(n.active, 0) as active_count, coalesce(n.paused, 0) as paused_count,
       coalesce(n.completed, 0) as completed_count, coalesce(n.stopped, 0) as stopped_count,
       coalesce(m.sent, 0) as sent_count, coalesce(m.held, 0) as held_count,
       (select count(*) from public.drip_campaign_templates t
        where t.campaign_id = d.id and t.status = 'published') as step_count,
       n.next_send_at,
       (select min(y.position) from public.contact_types y where y.campaign_id = d.id) as position
from public.drip_campaigns d
left join (
  select campaign_id, count(*) filter (where status = 'active') as active,
         count(*) filter (where status = 'paused') as paused,
         count(*) filter (where status = 'completed') as completed,
         count(*) filter (where status = 'stopped') as stopped,
         min(next_send_at) filter (where status = 'active') as next_send_at
  from public.campaign_enrollments group by campaign_id) n on n.campaign_id = d.id
left join (
  select campaign_id, count(*) filter (where status in ('accepted', 'delivered', 'bounced', 'dropped')) as sent,
         count(*) filter (where held_at is not null) as held
  from public.email_sends group by campaign_id) m on m.campaign_id = d.id;

-- What an e-mail to a contact is filled with, for previews by any colleague: it names the owner's address
-- and phone, which the profiles table keeps from colleagues and the e-mail itself does not.
create view public.contact_merge_fields with (security_invoker = false, security_barrier = true) as
select c.id, c.first_name, c.last_name, c.email, c.company_name, c.job_title, c.industry, c.city, c.country,
       o.full_name as owner_name, o.email as owner_email, o.phone as owner_phone
from public.contacts c left join public.profiles o on o.id = c.owner_id
where private.is_staff();

-- Settings anybody signed in may read.
create view public.app_settings_public with (security_invoker = false, security_barrier = true) as
select key, value, description, updated_at from public.app_settings where not is_secret and private.is_staff();

-- A profile with its address and phone: one's own, or every one for an admin. The table itself shows
-- colleagues their names only (column grants).
create view public.staff_directory with (security_invoker = false, security_barrier = true) as
select id, email, full_name, phone, role, active, time_zone, created_at from public.profiles
where (private.is_staff() and id = private.user_id()) or private.is_admin();

create view public.industries_in_use with (security_invoker = true) as
select industry from public.contacts where industry <> '' and archived_at is null group by industry;

-- Publishes the next version of a step and retires the one before. p_content, a JSON text, carries name, subject,
-- preheader, body, delay_days, content_hash and compiled. Publishing the same text again changes nothing.
create function public.publish_template(p_campaign uuid, p_step integer, p_content text, p_now timestamptz)
returns uuid language plpgsql security definer set search_path = '' as $$
declare
  content jsonb := p_content::jsonb;
  current_version public.drip_campaign_templates;
  latest integer;
  fresh uuid;
begin
  if not private.acts_as_service() and not private.is_admin() then
    raise exception 'Only an admin publishes an e-mail.' using errcode = '42501';
  end if;
  -- One publisher at a time a campaign.
  perform from public.drip_campaigns where id = p_campaign for no key update;
  select * into current_version from public.drip_campaign_templates
  where campaign_id = p_campaign and step = p_step and status = 'published';
  if current_version.content_hash = content ->> 'content_hash' then
    return current_version.id;
  end if;
  select max(version) into latest from public.drip_campaign_templates where campaign_id = p_campaign and step = p_step;
  update public.drip_campaign_templates set status = 'retired' where id = current_version.id;
  insert into public.drip_campaign_templates
    (campaign_id, step, position, version, status, name, subject, preheader, body, delay_days, content_hash,
     compiled, created_by, created_at, published_at)
  values (p_campaign, p_step, coalesce(current_version.position, p_step), coalesce(latest, 0) + 1, 'published',
    content ->> 'name', content ->> 'subject', content ->> 'preheader', content ->> 'body',
    (content ->> 'delay_days')::smallint, content ->> 'content_hash', content -> 'compiled',
    private.user_id(), p_now, p_now)
  returning id into fresh;
  return fresh;
end
$$;

-- The contact search. It runs with the owner's rights and asks is_staff() itself, which is what the policy
-- asks: under row-level security ilike may not use an index (it is not leakproof), and a search over a
-- million contacts took seconds instead of milliseconds. Every filter is optional; p_text is a pattern for
-- ilike, the newest come first, p_before is the last id of the page before.
create function public.find_contacts(
  p_text text, p_types text[], p_statuses text[], p_owner uuid, p_industry text, p_tag text, p_archived boolean,
  p_before uuid, p_limit integer)
returns setof uuid
language plpgsql stable security definer set search_path = '' set plan_cache_mode = force_custom_plan as $$
begin
  if not private.acts_as_service() and not private.is_staff() then
    return;
  end if;
  return query
  select c.id from public.contacts c
  where (c.archived_at is not null) = p_archived
    and (p_text is null or c.search_text ilike p_text)
    and (p_types is null or c.contact_type = any (p_types))
    and (p_statuses is null or c.email_status = any (p_statuses))
    and (p_owner is null or c.owner_id = p_owner)
    and (p_industry is null or c.industry = p_industry)
    and (p_tag is null or p_tag = any (c.tags))
    and (p_before is null or c.id < p_before)
  order by c.id desc
  limit p_limit;
end
$$;

-- How many the same search finds.
create function public.count_contacts(
  p_text text, p_types text[], p_statuses text[], p_owner uuid, p_industry text, p_tag text, p_archived boolean)
returns bigint
language sql stable security definer set search_path = '' as $$
  select count(*) from public.find_contacts(
    p_text, p_types, p_statuses, p_owner, p_industry, p_tag, p_archived, null, null)
$$;

-- Somebody used the unsubscribe link. Whatever state the address was in, the person's wish replaces it, and the
-- addresses we wrote to before a correction are listed too. False if there is no such contact.
create function public.unsubscribe_contact(p_contact uuid, p_now timestamptz) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  perform set_config('mpt.now', p_now::text, true);
  update public.contacts
  set email_status = 'unsubscribed', email_status_reason = 'Used the unsubscribe link.', email_status_at = p_now,
      updated_at = p_now
  where id = p_contact and email_status not in ('unsubscribed', 'complained');
  insert into public.suppressions (email, reason, source, created_at)
  select distinct s.to_email, 'unsubscribed', 'link', p_now from public.email_sends s
  where s.contact_id = p_contact and s.handed_over_at is not null
  on conflict (email) do update set reason = excluded.reason
    where private.is_weaker(suppressions.reason, excluded.reason);
  return exists (select from public.contacts where id = p_contact);
end
$$;
