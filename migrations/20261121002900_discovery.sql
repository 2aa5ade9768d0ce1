-- Discovery calls: what a colleague writes down during one, or a visitor of the website sends in. A submission makes or
-- promotes the contact to lead, forwards only, and starts the campaign of leads.

-- What is not finished yet: its writer's alone, saved as they type.
create table public.discovery_drafts (
  id uuid primary key default private.uuid_v7(),
  owner_id uuid not null default private.user_id() references public.profiles (id) on delete cascade,
  contact_id uuid references public.contacts (id) on delete cascade,
  answers jsonb not null default '{}'
    constraint draft_answers_are_bounded check (jsonb_typeof(answers) = 'object' and length(answers::text) <= 60000),
  created_at timestamptz not null default private.clock() check (isfinite(created_at)),
  updated_at timestamptz not null default private.clock() check (isfinite(updated_at))
);
create index discovery_drafts_owner on public.discovery_drafts (owner_id, updated_at desc);
create index discovery_drafts_contact on public.discovery_drafts (contact_id);

alter table public.discovery_drafts enable row level security;
alter table public.discovery_drafts force row level security;
revoke all on public.discovery_drafts from public, anon, authenticated, service_role;
grant select, insert, delete, update (contact_id, answers, updated_at) on public.discovery_drafts to authenticated;
create policy own_read on public.discovery_drafts for select to authenticated
  using ((select private.is_staff()) and owner_id = (select private.user_id()));
create policy own_add on public.discovery_drafts for insert to authenticated
  with check ((select private.is_staff()) and owner_id = (select private.user_id()));
create policy own_change on public.discovery_drafts for update to authenticated
  using ((select private.is_staff()) and owner_id = (select private.user_id()));
create policy own_delete on public.discovery_drafts for delete to authenticated
  using ((select private.is_staff()) and owner_id = (select private.user_id()));

-- A person met on the phone may have no address yet.
alter table public.discovery_submissions
  alter column email drop not null,
  add column source text not null default 'staff' check (source in ('staff', 'public')),
  add column submitted_by uuid default private.user_id() references public.profiles (id) on delete set null,
  -- What came of it for the contact, and for the campaign of leads (private.lead_standing).
  add column contact_outcome text not null default '' check (contact_outcome in
    ('', 'created', 'promoted', 'there_already', 'further_along', 'not_yours', 'archived', 'waits')),
  add column campaign_outcome text not null default '',
  -- What the same person sent before on the same day, the oldest first.
  add column earlier jsonb not null default '[]',
  add constraint answers_are_bounded check (jsonb_typeof(answers) = 'object' and length(answers::text) <= 60000),
  -- The answers are the person's: who is erased takes them along.
  drop constraint discovery_submissions_contact_id_fkey,
  add constraint discovery_submissions_contact_id_fkey foreign key (contact_id) references public.contacts (id) on delete cascade;
create index discovery_submissions_submitted_by on public.discovery_submissions (submitted_by);
create index discovery_submissions_by_status on public.discovery_submissions (status, id desc);
-- Does this address stand in a submission of today?
create index discovery_submissions_by_address on public.discovery_submissions (email, submitted_at desc) where source = 'public';

-- Where a submission comes from and what came of it is the functions' to write.
revoke insert, update on public.discovery_submissions from authenticated, service_role;
grant insert (email, answers, assigned_to) on public.discovery_submissions to authenticated, service_role;
grant update (status, assigned_to, updated_at) on public.discovery_submissions to authenticated;

insert into public.app_settings (key, value, description) values
  ('discovery_form_open', 'false', 'Whether anybody may ask for a discovery call at /discovery-call'),
  ('discovery_form_accept_first', 'false', 'Whether what comes from there waits for a colleague before a campaign starts');

-- The list, with the names people know.
create view public.discovery_list with (security_invoker = true) as
select s.id, s.status, s.source, s.email, s.contact_outcome, s.campaign_outcome, s.submitted_at, s.updated_at,
       jsonb_array_length(s.earlier) as repeats, s.contact_id,
       coalesce(nullif(btrim(c.first_name || ' ' || c.last_name), ''),
                nullif(btrim(concat_ws(' ', s.answers ->> 'first_name', s.answers ->> 'last_name')), ''), s.email) as name,
       coalesce(nullif(s.answers ->> 'company_name', ''), c.company_name) as company_name, y.label as type_label,
       c.archived_at is not null as archived, c.owner_id, o.full_name as owner_name, c.created_by,
       s.assigned_to, a.full_name as assigned_name, s.submitted_by, b.full_name as submitted_name
from public.discovery_submissions s
left join public.contacts c on c.id = s.contact_id
left join public.contact_types y on y.key = c.contact_type
left join public.profiles o on o.id = c.owner_id
left join public.profiles a on a.id = s.assigned_to
left join public.profiles b on b.id = s.submitted_by;

create view public.discovery_counts with (security_invoker = true) as
select status, count(*) as submissions from public.discovery_submissions group by status;

revoke all on public.discovery_list, public.discovery_counts from public, anon, authenticated, service_role;
grant select on public.discovery_list, public.discovery_counts to authenticated;

-- Saves a draft and returns its id: a new one without p_draft, or where that one was discarded elsewhere meanwhile.
create function public.save_discovery_draft(p_draft uuid, p_contact uuid, p_answers text, p_now timestamptz) returns uuid
language plpgsql set search_path = '' as $$
declare
  saved uuid;
begin
  update public.discovery_drafts d set contact_id = p_contact, answers = p_answers::jsonb, updated_at = p_now
  where d.id = p_draft returning d.id into saved;
  if saved is null then
    insert into public.discovery_drafts (contact_id, answers, created_at, updated_at)
    values (p_contact, p_answers::jsonb, p_now, p_now) returning id into saved;
  end if;
  return saved;
end
$$;

-- Who comes in through a call, a form or an event was not imported from anywhere.
create or replace function private.on_contacts_added() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  insert into public.activities (contact_id, occurred_at, kind, summary)
  select id, private.clock(),
         case when source in ('manual', 'discovery call', 'discovery form', 'networking event') then 'contact_created'
              else 'contact_imported' end,
         case when source = 'manual' then 'Contact added'
              when source in ('discovery call', 'discovery form', 'networking event') then 'Added through a ' || source
              else 'Imported from ' || source end
  from added;
  -- Somebody who arrives as stopped stays stopped beyond the contact.
  insert into public.suppressions (email, reason, source, created_at)
  select email, private.suppression_of_status(email_status), 'contact', private.clock()
  from added where email_status <> 'ok' and email is not null
  on conflict (email) do nothing;
  -- The import without --enroll turns this off for its own transaction.
  if coalesce(nullif(current_setting('mpt.auto_enroll', true), ''), 'on') = 'on' then
    perform private.enroll(array(select id from added where email_status = 'ok' and archived_at is null),
                           null, 'type', private.clock());
  end if;
  return null;
end
$$;

-- Where a contact stands in the campaign of leads: running, paused, waits_for_other, already_completed, stopped (it left
-- before), or why it is not in it: no_campaign, archived, no_address, unsubscribed, bounced, complained, invalid,
-- suppressed, opted_out, not_enrolled.
create function private.lead_standing(p_contact uuid) returns text
language sql stable security definer set search_path = '' as $$
  select case
      when e.status = 'active' then 'running'
      when e.status = 'paused' and e.reason = 'waits_for_other' then 'waits_for_other'
      when e.status = 'paused' then 'paused'
      when c.archived_at is not null then 'archived'
      when c.email is null then 'no_address'
      when c.email_status <> 'ok' then c.email_status
      when exists (select from public.suppressions s where s.email = c.email) then 'suppressed'
      when d.id is null or d.status = 'archived' or not exists (
        select from public.drip_campaign_templates t where t.campaign_id = d.id and t.status = 'published') then 'no_campaign'
      when e.reason = 'opted_out' then 'opted_out'
      when e.status = 'completed' then 'already_completed'
      when e.status = 'stopped' then 'stopped'
      else 'not_enrolled' end
  from public.contacts c
  left join public.contact_types y on y.key = 'lead'
  left join public.drip_campaigns d on d.id = y.campaign_id
  left join lateral (
    select l.status, l.reason from public.campaign_enrollments l
    where l.contact_id = c.id and l.campaign_id = d.id
    order by l.status in ('active', 'paused') desc, l.enrolled_at desc, l.id desc limit 1) e on true
  where c.id = p_contact
$$;

-- The contact of a submission: the one given, or whoever has the address, or whom that one was merged into; else a new
-- lead, which its own trigger enrolls (not while mpt.auto_enroll is off).
create function private.contact_of_discovery(
  p_contact uuid, p_answers jsonb, p_source text, p_now timestamptz, out contact_id uuid, out created boolean)
language plpgsql security definer set search_path = '' as $$
declare
  address text := nullif(p_answers ->> 'email', '');
begin
  created := false;
  if p_contact is not null then
    select k.id into contact_id from public.contacts c join public.contacts k on k.id = coalesce(c.merged_into, c.id)
    where c.id = p_contact for update of k;
    if contact_id is null then
      raise exception 'This contact is no longer there.' using errcode = 'MP006';
    end if;
    return;
  end if;
  insert into public.contacts as c (first_name, last_name, email, phone, company_name, job_title, industry, contact_type,
                                    owner_id, created_by, source, created_at, updated_at)
  values (coalesce(p_answers ->> 'first_name', ''), coalesce(p_answers ->> 'last_name', ''), address,
          coalesce(p_answers ->> 'phone', ''), coalesce(p_answers ->> 'company_name', ''),
          coalesce(p_answers ->> 'job_title', ''), coalesce(p_answers ->> 'industry', ''), 'lead',
          private.user_id(), private.user_id(), p_source, p_now, p_now)
  on conflict (email) do nothing returning c.id into contact_id;
  created := found;
  if not created then
    select k.id into strict contact_id from public.contacts c join public.contacts k on k.id = coalesce(c.merged_into, c.id)
    where c.email = address for update of k;
  end if;
end
$$;

-- Fills what a contact lacks from the answers; what is there already stays.
create function private.complete_contact(p_contact uuid, p_answers jsonb, p_now timestamptz) returns void
language sql security definer set search_path = '' as $$
  update public.contacts c
  set first_name = n.first_name, last_name = n.last_name, email = n.email, phone = n.phone,
      company_name = n.company_name, job_title = n.job_title, industry = n.industry, updated_at = p_now
  from (
    select coalesce(nullif(o.first_name, ''), p_answers ->> 'first_name', '') as first_name,
           coalesce(nullif(o.last_name, ''), p_answers ->> 'last_name', '') as last_name,
           -- An address that somebody else has is theirs.
           coalesce(o.email, (select nullif(p_answers ->> 'email', '') where not exists (
             select from public.contacts x where x.email = p_answers ->> 'email'))) as email,
           coalesce(nullif(o.phone, ''), p_answers ->> 'phone', '') as phone,
           coalesce(nullif(o.company_name, ''), p_answers ->> 'company_name', '') as company_name,
           coalesce(nullif(o.job_title, ''), p_answers ->> 'job_title', '') as job_title,
           coalesce(nullif(o.industry, ''), p_answers ->> 'industry', '') as industry
    from public.contacts o where o.id = p_contact) n
  where c.id = p_contact
    and (c.first_name, c.last_name, c.email, c.phone, c.company_name, c.job_title, c.industry)
        is distinct from (n.first_name, n.last_name, n.email, n.phone, n.company_name, n.job_title, n.industry)
$$;

-- What becomes of the contact. archived: it stays so until a colleague decides; waits: so does the whole submission.
create function private.promote_by_discovery(p_contact uuid, p_created boolean, p_may boolean, p_hold boolean, p_now timestamptz)
returns text
language plpgsql security definer set search_path = '' as $$
declare
  verdict text;
begin
  if p_created then
    return 'created';
  elsif exists (select from public.contacts c where c.id = p_contact and c.archived_at is not null) then
    return 'archived';
  elsif p_hold then
    return (select case when c.contact_type = 'lead' then 'there_already'
                        when private.is_forward(c.contact_type, 'lead') then 'waits' else 'further_along' end
            from public.contacts c where c.id = p_contact);
  elsif not p_may then
    -- Where there is nothing to do, there is nothing to ask the owner for.
    return (select case when c.contact_type = 'lead' then 'there_already'
                        when private.is_forward(c.contact_type, 'lead') then 'not_yours' else 'further_along' end
            from public.contacts c where c.id = p_contact);
  end if;
  select p.outcome into verdict from private.promote(array[p_contact], 'lead', 'type', p_now) p;
  return verdict;
end
$$;

-- What came of the campaign of leads, '' for who is past it; waits while a colleague has to accept first.
create function private.campaign_of_discovery(p_contact uuid, p_outcome text, p_hold boolean) returns text
language sql stable security definer set search_path = '' as $$
  select case when p_outcome in ('further_along', 'not_yours') then ''
              when p_outcome = 'waits' or (p_hold and private.lead_standing(p_contact) = 'not_enrolled') then 'waits'
              else private.lead_standing(p_contact) end
$$;

-- A colleague's call, out of their draft, which goes: so a call counts once, however often it is sent. p_answers is a
-- JSON object of texts (crm/discovery_questions.py), its address normalised. p_due: when the next step is due.
create function public.submit_discovery(p_draft uuid, p_contact uuid, p_answers text, p_due timestamptz, p_now timestamptz)
returns table (submission_id uuid, contact_id uuid, contact_outcome text, campaign_outcome text)
language plpgsql security definer set search_path = '' as $$
declare
  given jsonb := p_answers::jsonb;
  person record;
  may boolean;
begin
  if not private.is_staff() then
    raise exception 'Only staff submit a call.' using errcode = '42501';
  end if;
  perform set_config('mpt.now', p_now::text, true);
  delete from public.discovery_drafts d where d.id = p_draft and d.owner_id = private.user_id();
  if not found then
    raise exception 'This call was submitted already, or its draft was discarded.' using errcode = 'MP006';
  end if;
  person := private.contact_of_discovery(p_contact, given, 'discovery call', p_now);
  may := cardinality(private.changeable(array[person.contact_id])) > 0;
  if may and not person.created then
    perform private.complete_contact(person.contact_id, given, p_now);
  end if;
  contact_id := person.contact_id;
  contact_outcome := private.promote_by_discovery(person.contact_id, person.created, may, false, p_now);
  campaign_outcome := private.campaign_of_discovery(person.contact_id, contact_outcome, false);
  insert into public.discovery_submissions as s
    (contact_id, email, answers, status, assigned_to, submitted_at, updated_at, contact_outcome, campaign_outcome)
  values (person.contact_id, nullif(given ->> 'email', ''), given, 'in_progress', private.user_id(), p_now, p_now,
          submit_discovery.contact_outcome, submit_discovery.campaign_outcome)
  returning s.id into submission_id;
  insert into public.activities (contact_id, occurred_at, kind, summary)
  values (person.contact_id, p_now, 'discovery',
          left('Held a discovery call' || coalesce('. Goals: ' || nullif(given ->> 'goals', ''), ''), 1000));
  if coalesce(given ->> 'next_step', '') <> '' then
    insert into public.activities (contact_id, occurred_at, kind, summary, due_at)
    values (person.contact_id, p_now, 'task', left(given ->> 'next_step', 1000), p_due);
  end if;
  return next;
end
$$;

-- What the public form sends. closed (nothing is kept), taken, updated (the same address within a day: the latest answers
-- count, the earlier ones are kept), or ignored: the same again, or more often than anybody means it. The caller tells the
-- visitor the same whatever it is. It never changes what is known of a contact.
create function public.post_discovery(p_answers text, p_now timestamptz) returns text
language plpgsql security definer set search_path = '' as $$
declare
  given jsonb := p_answers::jsonb;
  hold boolean := private.setting('discovery_form_accept_first') = 'true';
  known public.discovery_submissions;
  person record;
  verdict text;
begin
  if not private.acts_as_service() then
    raise exception 'Only the public form posts.' using errcode = '42501';
  elsif private.setting('discovery_form_open') is distinct from 'true' then
    return 'closed';
  end if;
  perform set_config('mpt.now', p_now::text, true);
  -- One at a time an address: a double click sends twice at once.
  perform pg_advisory_xact_lock(hashtextextended('discovery ' || (given ->> 'email'), 0));
  select * into known from public.discovery_submissions s
  where s.email = given ->> 'email' and s.source = 'public' and s.submitted_at > p_now - interval '24 hours'
  order by s.submitted_at desc limit 1 for update;
  if known.id is not null then
    if known.answers = given or jsonb_array_length(known.earlier) >= 4 then
      return 'ignored';
    end if;
    update public.discovery_submissions s
    set earlier = s.earlier || jsonb_build_array(s.answers), answers = given, updated_at = p_now,
        status = case s.status when 'done' then 'new' else s.status end
    where s.id = known.id;
    return 'updated';
  end if;
  perform set_config('mpt.auto_enroll', case when hold then 'off' else 'on' end, true);
  person := private.contact_of_discovery(null, given, 'discovery form', p_now);
  perform set_config('mpt.auto_enroll', 'on', true);
  verdict := private.promote_by_discovery(person.contact_id, person.created, true, hold, p_now);
  insert into public.discovery_submissions
    (contact_id, email, answers, source, assigned_to, submitted_at, updated_at, contact_outcome, campaign_outcome)
  select person.contact_id, given ->> 'email', given, 'public', p.id, p_now, p_now, verdict,
         private.campaign_of_discovery(person.contact_id, verdict, hold)
  from public.contacts c left join public.profiles p on p.id = c.owner_id and p.active
  where c.id = person.contact_id;
  insert into public.activities (contact_id, occurred_at, kind, summary)
  values (person.contact_id, p_now, 'discovery',
          left('Asked for a discovery call on the website' || coalesce('. Goals: ' || nullif(given ->> 'goals', ''), ''), 1000));
  return 'taken';
end
$$;

-- Whoever looks after a submission of the website looks after its contact too, where nobody does yet.
create function private.adopt_by_discovery(p_submission uuid, p_colleague uuid, p_now timestamptz) returns void
language sql security definer set search_path = '' as $$
  update public.contacts c set owner_id = p_colleague, updated_at = p_now
  from public.discovery_submissions s
  where s.id = p_submission and s.source = 'public' and c.id = s.contact_id and c.owner_id is null
    and p_colleague is not null
$$;

-- Sets the status and who has it. p_seen is who had it when the page was drawn: false if it is somebody else by now.
create function public.triage_discovery(
  p_submission uuid, p_new_status text, p_assigned_to uuid, p_seen uuid, p_now timestamptz) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  if not private.is_staff() then
    raise exception 'Only staff look after submissions.' using errcode = '42501';
  elsif p_assigned_to is not null and not exists (select from public.profiles where id = p_assigned_to and active) then
    raise exception 'This colleague does not work here any more.' using errcode = 'MP006';
  end if;
  perform set_config('mpt.now', p_now::text, true);
  update public.discovery_submissions s set status = p_new_status, assigned_to = p_assigned_to, updated_at = p_now
  where s.id = p_submission and s.assigned_to is not distinct from p_seen;
  if not found then
    return false;
  end if;
  perform private.adopt_by_discovery(p_submission, p_assigned_to, p_now);
  return true;
end
$$;

-- What waited for a colleague: takes the contact out of the archive, promotes it and starts the campaign. Whoever accepts
-- takes the submission, unless somebody has it.
create function public.accept_discovery(p_submission uuid, p_now timestamptz)
returns table (contact_outcome text, campaign_outcome text)
language plpgsql security definer set search_path = '' as $$
declare
  told public.discovery_submissions;
begin
  if not private.is_staff() then
    raise exception 'Only staff look after submissions.' using errcode = '42501';
  end if;
  perform set_config('mpt.now', p_now::text, true);
  select * into told from public.discovery_submissions s where s.id = p_submission for update;
  if told.contact_id is null then
    raise exception 'The contact of this submission is no longer there.' using errcode = 'MP006';
  end if;
  perform private.adopt_by_discovery(p_submission, coalesce(told.assigned_to, private.user_id()), p_now);
  if cardinality(private.changeable(array[told.contact_id])) = 0 then
    raise exception 'Only the owner of the contact or an admin accepts this.' using errcode = '42501';
  end if;
  update public.contacts c set archived_at = null, updated_at = p_now where c.id = told.contact_id and c.archived_at is not null;
  contact_outcome := private.promote_by_discovery(told.contact_id, false, true, false, p_now);
  campaign_outcome := private.campaign_of_discovery(told.contact_id, contact_outcome, false);
  update public.discovery_submissions s
  set contact_outcome = accept_discovery.contact_outcome, campaign_outcome = accept_discovery.campaign_outcome,
      assigned_to = coalesce(s.assigned_to, private.user_id()), updated_at = p_now,
      status = case s.status when 'new' then 'in_progress' else s.status end
  where s.id = p_submission;
  return next;
end
$$;

create function public.discovery_form() returns table (is_open boolean, accept_first boolean)
language plpgsql stable security definer set search_path = '' as $$
begin
  if private.acts_as_service() or private.is_staff() then
    return query select private.setting('discovery_form_open') = 'true', private.setting('discovery_form_accept_first') = 'true';
  end if;
end
$$;

create function public.change_discovery_form(p_open boolean, p_accept_first boolean, p_now timestamptz) returns void
language plpgsql security definer set search_path = '' as $$
begin
  if not private.is_admin() then
    raise exception 'Only an admin opens or closes the public form.' using errcode = '42501';
  end if;
  update public.app_settings a set value = to_jsonb(n.value), updated_at = p_now
  from (values ('discovery_form_open', p_open), ('discovery_form_accept_first', p_accept_first)) n (key, value)
  where a.key = n.key and a.value <> to_jsonb(n.value);
end
$$;

revoke all on function
  private.lead_standing(uuid), private.contact_of_discovery(uuid, jsonb, text, timestamptz),
  private.complete_contact(uuid, jsonb, timestamptz),
  private.promote_by_discovery(uuid, boolean, boolean, boolean, timestamptz),
  private.campaign_of_discovery(uuid, text, boolean), private.adopt_by_discovery(uuid, uuid, timestamptz),
  public.save_discovery_draft(uuid, uuid, text, timestamptz),
  public.submit_discovery(uuid, uuid, text, timestamptz, timestamptz), public.post_discovery(text, timestamptz),
  public.triage_discovery(uuid, text, uuid, uuid, timestamptz), public.accept_discovery(uuid, timestamptz),
  public.discovery_form(), public.change_discovery_form(boolean, boolean, timestamptz)
  from public, anon, authenticated, service_role;
grant execute on function
  public.save_discovery_draft(uuid, uuid, text, timestamptz),
  public.submit_discovery(uuid, uuid, text, timestamptz, timestamptz),
  public.triage_discovery(uuid, text, uuid, uuid, timestamptz), public.accept_discovery(uuid, timestamptz),
  public.discovery_form(), public.change_discovery_form(boolean, boolean, timestamptz)
  to authenticated;
grant execute on function public.discovery_form(), public.post_discovery(text, timestamptz) to service_role;
