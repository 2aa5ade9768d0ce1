-- What people ask for: by link, on the preference page, or in a reply. Nothing here is ever lifted by itself.

create or replace function private.words_for(reason text) returns text
language sql immutable set search_path = '' as $$
  select case reason
    when 'type_changed' then 'the contact type changed' when 'archived' then 'the contact was archived'
    when 'unsubscribed' then 'the contact unsubscribed' when 'bounced' then 'the address bounced'
    when 'complained' then 'the contact marked an e-mail as spam'
    when 'invalid' then 'the address was refused' when 'suppressed' then 'the address is suppressed'
    when 'replied' then 'the contact replied' when 'opted_out' then 'the contact asked for no more of these e-mails'
    when 'stopped_by_user' then 'stopped by hand'
    when 'paused_by_user' then 'paused by hand' when 'send_failed' then 'an e-mail could not be sent'
    when 'no_address' then 'the contact has no address' when 'restarted' then 'restarted from the beginning'
    else '' end
$$;

-- Enrolls contacts in one campaign, or (p_campaign null) in the campaign of their type, and says for
-- each what came of it. A contact that cannot be enrolled never stops the others.
create or replace function private.enroll(p_contacts uuid[], p_campaign uuid, p_source text, p_now timestamptz)
returns table (contact_id uuid, outcome text)
language plpgsql security definer set search_path = '' as $$
begin
  return query
  with wanted as (
    select c.id, coalesce(p_campaign, y.campaign_id) as campaign_id, c.email, c.archived_at, c.email_status,
           s.email is not null as suppressed
    from public.contacts c
    join public.contact_types y on y.key = c.contact_type
    left join public.suppressions s on s.email = c.email
    where c.id = any (p_contacts)),
  judged as (
    select w.id, d.id as campaign_id, d.is_type_campaign, h.run, case
        when d.id is null or d.status = 'archived' or not exists (
                     select from public.drip_campaign_templates t
                     where t.campaign_id = d.id and t.status = 'published') then 'no_campaign'
        when w.archived_at is not null then 'archived'
        when w.email is null then 'no_address'
        when w.email_status <> 'ok' then w.email_status
        when w.suppressed then 'suppressed'
        when h.opted_out then 'opted_out'
        when h.live_here then 'already_enrolled'
        when d.is_type_campaign and h.live_elsewhere then 'in_another_type_campaign'
      end as hindrance
    from wanted w
    left join public.drip_campaigns d on d.id = w.campaign_id
    -- One look at the contact's own enrollments: as EXISTS, the planner hashed everybody's.
    cross join lateral (
      select coalesce(max(e.run) filter (where e.campaign_id = w.campaign_id), 1) as run,
             bool_or(e.campaign_id = w.campaign_id and e.reason = 'opted_out') as opted_out,
             bool_or(e.campaign_id = w.campaign_id and e.status in ('active', 'paused')) as live_here,
             bool_or(e.status = 'active' and e.is_type_campaign) as live_elsewhere
      from public.campaign_enrollments e where e.contact_id = w.id) h),
  planned as (
    select j.id, j.campaign_id, j.is_type_campaign, j.run, j.hindrance, n.step,
           greatest(p_now, coalesce(n.last_sent_at, p_now) + n.delay_days * interval '1 day') as due_at
    from judged j
    left join lateral private.next_unreceived(j.id, j.campaign_id, j.run) n on j.hindrance is null),
  inserted as (
    insert into public.campaign_enrollments
      (contact_id, campaign_id, is_type_campaign, run, next_step, next_send_at, source, enrolled_at, updated_at)
    select p.id, p.campaign_id, p.is_type_campaign, p.run, p.step, p.due_at, p_source, p_now, p_now
    from planned p where p.hindrance is null and p.step is not null
    on conflict do nothing
    returning campaign_enrollments.contact_id)
  select p.id, case
      when p.hindrance is not null then p.hindrance
      when p.step is null then 'already_completed'
      when i.contact_id is null then 'already_enrolled'
      else 'enrolled' end
  from planned p left join inserted i on i.contact_id = p.id;
end
$$;

-- Who opted out of a campaign is not put back into it, whichever program writes the enrollment.
create function private.guard_opt_out() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if exists (
    select from added a join public.campaign_enrollments e
      on e.contact_id = a.contact_id and e.campaign_id = a.campaign_id and e.id <> a.id
    where e.reason = 'opted_out') then
    raise exception 'This contact asked for no more e-mails of this campaign.' using errcode = 'MP006';
  end if;
  return null;
end
$$;
create trigger guard_opt_out after insert on public.campaign_enrollments
  referencing new table as added for each statement execute function private.guard_opt_out();

-- Nor does a change of the row bring it back.
create function private.keep_opt_out() returns trigger
language plpgsql set search_path = '' as $$
begin
  raise exception 'This contact asked for no more e-mails of this campaign.' using errcode = 'MP006';
end
$$;
create trigger keep_opt_out before update of status, reason on public.campaign_enrollments
  for each row when (old.reason = 'opted_out' and (new.reason <> 'opted_out' or new.status in ('active', 'paused')))
  execute function private.keep_opt_out();

-- A pause somebody asked for is not shortened.
create function private.keep_pause() returns trigger
language plpgsql set search_path = '' as $$
begin
  if old.quiet_until > private.clock() then
    raise exception 'This contact asked for a pause.' using errcode = 'MP006';
  end if;
  return new;
end
$$;
create trigger keep_pause before update of quiet_until on public.contacts
  for each row when (old.quiet_reason = 'asked_for_a_pause' and (new.quiet_until is null or new.quiet_until < old.quiet_until))
  execute function private.keep_pause();

create function private.remember_address() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  insert into public.former_addresses (email, contact_id) values (old.email, new.id) on conflict do nothing;
  return null;
end
$$;
create trigger remember_address after update of email on public.contacts
  for each row when (old.email is distinct from new.email and old.email is not null)
  execute function private.remember_address();

-- Who asked for less and is erased is not written to at all: what they asked for goes with the contact.
create function private.remember_wish() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if old.email is not null and ((old.quiet_reason = 'asked_for_a_pause' and old.quiet_until > private.clock()) or exists (
    select from public.campaign_enrollments e where e.contact_id = old.id and e.reason = 'opted_out')) then
    insert into public.suppressions (email, reason, source, created_at)
    values (old.email, 'opted_out', 'erased', private.clock()) on conflict (email) do nothing;
  end if;
  return null;
end
$$;
-- Triggers fire by their names: before RI_…, which take the enrollments along, and after the contact itself is gone,
-- since the list writes to contacts.
create trigger "Aa_remember_wish" after delete on public.contacts
  for each row execute function private.remember_wish();

-- The person said stop. Whatever state the address was in, the wish replaces it, and the addresses we wrote
-- to before a correction are listed too.
create function private.stop_person(p_contact uuid, p_reason text, p_source text, p_now timestamptz) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  perform set_config('mpt.now', p_now::text, true);
  update public.contacts
  set email_status = 'unsubscribed', email_status_reason = p_reason, email_status_at = p_now, updated_at = p_now
  where id = p_contact and email_status not in ('unsubscribed', 'complained');
  insert into public.suppressions (email, reason, source, created_at)
  select distinct s.to_email, 'unsubscribed', p_source, p_now from public.email_sends s
  where s.contact_id = p_contact and s.handed_over_at is not null
  on conflict (email) do update set reason = excluded.reason
    where private.is_weaker(suppressions.reason, excluded.reason);
  return exists (select from public.contacts where id = p_contact);
end
$$;

create or replace function public.unsubscribe_contact(p_contact uuid, p_now timestamptz) returns boolean
language sql security definer set search_path = '' as
$$ select private.stop_person(p_contact, 'Used the unsubscribe link.', 'link', p_now) $$;

-- Nothing is sent before p_until; a later date that was asked for already stays.
create function private.keep_quiet(p_contact uuid, p_until timestamptz, p_reason text, p_now timestamptz) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  update public.contacts c set quiet_until = p_until, quiet_reason = p_reason, updated_at = p_now
  where c.id = p_contact and coalesce(c.quiet_until, p_now) < p_until;
  return found;
end
$$;

-- The preference page. False if there is no such contact, or it never was in that campaign.
create function public.choose_preference(p_contact uuid, p_campaign text, p_choice text, p_now timestamptz)
returns boolean language plpgsql security definer set search_path = '' as $$
declare
  campaign uuid;
  latest uuid;
begin
  perform set_config('mpt.now', p_now::text, true);
  if p_choice = 'everything' then
    return private.stop_person(p_contact, 'Chose no more e-mails on the preference page.', 'link', p_now);
  elsif p_choice = 'pause' then
    -- Pressed again a moment later it is the same pause, not a longer one.
    if private.keep_quiet(p_contact, date_trunc('day', p_now, 'UTC') + 31 * interval '24 hours', 'asked_for_a_pause', p_now) then
      insert into public.activities (contact_id, occurred_at, kind, summary)
      values (p_contact, p_now, 'quiet', 'Asked for a pause of 30 days on the preference page');
    end if;
    return exists (select from public.contacts where id = p_contact);
  elsif p_choice <> 'this_campaign' then
    raise exception 'Unknown choice %: use this_campaign, pause or everything.', p_choice using errcode = '22023';
  end if;

  select d.id into campaign from public.drip_campaigns d where d.key = p_campaign;
  select e.id into latest from public.campaign_enrollments e
  where e.contact_id = p_contact and e.campaign_id = campaign
  order by e.run desc, e.status in ('active', 'paused') desc, e.enrolled_at desc limit 1 for update;
  update public.campaign_enrollments e
  set status = case when e.status in ('active', 'paused') then 'stopped' else e.status end, reason = 'opted_out',
      ended_at = coalesce(e.ended_at, p_now), next_send_at = null, updated_at = p_now
  where e.id = latest and e.reason <> 'opted_out';
  if found then
    insert into public.activities (contact_id, occurred_at, kind, summary, enrollment_id)
    select p_contact, p_now, 'unsubscribed', 'Asked for no more e-mails of ' || d.name, latest
    from public.drip_campaigns d where d.id = campaign;
  end if;
  return latest is not null;
end
$$;

-- Somebody wrote back. stored, repeated, or unknown_sender (then nothing is stored). p_kind: person and remove_me
-- stop the campaigns, the latter for good; out_of_office holds them until p_quiet_until; automatic changes nothing.
create function public.record_reply(
  p_message_id text, p_sender text, p_kind text, p_subject text, p_text text, p_occurred_at timestamptz,
  p_quiet_until timestamptz, p_now timestamptz)
returns text language plpgsql security definer set search_path = '' as $$
declare
  person uuid;
  by_hand boolean := p_kind in ('person', 'remove_me');
  headline text := coalesce(nullif(btrim(p_subject), ''), 'no subject');
begin
  if p_kind not in ('person', 'remove_me', 'out_of_office', 'automatic') then
    raise exception 'Unknown kind of reply: %.', p_kind using errcode = '22023';
  end if;
  perform set_config('mpt.now', p_now::text, true);
  -- One at a time a message: SendGrid may deliver it twice at once.
  perform pg_advisory_xact_lock(hashtextextended(p_message_id, 0));
  -- The id is the sender's to choose, so it counts with the sender.
  if exists (select from public.email_events
             where message_id = p_message_id and event in ('reply', 'auto_reply') and email = lower(btrim(p_sender))) then
    return 'repeated';
  end if;
  select id into person from public.contacts where email = lower(btrim(p_sender));
  if person is null then
    select f.contact_id into person from public.former_addresses f
    where f.email = lower(btrim(p_sender)) order by f.replaced_at desc limit 1;
  end if;
  if person is null and p_kind = 'remove_me' then
    -- Erased, or never known: the wish stands all the same.
    perform public.add_suppressions(array[p_sender], array['unsubscribed'], 'reply', p_now);
  end if;
  if person is null then
    return 'unknown_sender';
  end if;
  if p_kind = 'remove_me' then
    perform private.stop_person(person, 'Asked in a reply to be removed.', 'reply', p_now);
  end if;
  insert into public.email_events (contact_id, event, occurred_at, message_id, email, reason, payload, received_at)
  values (person, case when by_hand then 'reply' else 'auto_reply' end, p_occurred_at, p_message_id,
          lower(btrim(p_sender)), left(headline, 500), jsonb_build_object('kind', p_kind), p_now);
  insert into public.activities (contact_id, occurred_at, kind, summary)
  values (person, p_occurred_at, case when by_hand then 'reply' else 'auto_reply' end,
          left(case when by_hand then 'Replied: ' else 'Automatic reply: ' end || headline
               || case when btrim(p_text) <> '' then E'\n\n' || btrim(p_text) else '' end, 10000));
  if p_kind = 'out_of_office' and p_quiet_until > p_now
     and private.keep_quiet(person, p_quiet_until, 'out_of_office', p_now) then
    insert into public.activities (contact_id, occurred_at, kind, summary)
    values (person, p_now, 'quiet', 'Out of office: nothing is sent before '
            || to_char(p_quiet_until at time zone 'UTC', 'FMDD Mon YYYY'));
  end if;
  return 'stored';
end
$$;

-- Addresses that another list knows, each with its reason. A weaker reason gives way; returns how many are new.
create function public.add_suppressions(p_emails text[], p_reasons text[], p_source text, p_now timestamptz)
returns bigint language plpgsql security definer set search_path = '' as $$
declare
  before bigint;
  fresh bigint;
begin
  if not private.acts_as_service() and not private.is_staff() then
    raise exception 'Only staff suppress addresses.' using errcode = '42501';
  end if;
  perform set_config('mpt.now', p_now::text, true);
  select count(*) into before from public.suppressions s where s.email in (select lower(btrim(g)) from unnest(p_emails) g);
  insert into public.suppressions (email, reason, source, created_by, created_at)
  select distinct on (lower(btrim(g.email))) lower(btrim(g.email)), g.reason, p_source, private.user_id(), p_now
  from unnest(p_emails, p_reasons) g (email, reason)
  where btrim(g.email) <> ''
  order by lower(btrim(g.email)), array_position('{complaint,unsubscribed,opted_out,manual,hard_bounce,invalid}', g.reason)
  on conflict (email) do update set reason = excluded.reason
    where private.is_weaker(suppressions.reason, excluded.reason);
  select count(*) into fresh from public.suppressions s
  where s.email in (select lower(btrim(g)) from unnest(p_emails) g);
  return greatest(fresh - before, 0);
end
$$;

-- The contact list and page say until when somebody wants quiet.
create or replace view public.contact_list with (security_invoker = true) as
select c.id, c.first_name, c.last_name, btrim(c.first_name || ' ' || c.last_name) as full_name, c.email, c.phone,
       c.company_name, c.job_title, c.industry, c.contact_type, y.label as type_label, c.owner_id, o.full_name as owner_name,
       c.city, c.state, c.country, c.time_zone, c.email_status, c.email_status_reason, c.archived_at, c.source,
       c.profile_url, c.website, c.tags, c.notes, c.created_at, c.updated_at, c.search_text,
       e.campaign_name, e.status as enrollment_status, e.next_send_at, c.quiet_until, c.quiet_reason
from public.contacts c
join public.contact_types y on y.key = c.contact_type
left join public.profiles o on o.id = c.owner_id
left join lateral (
  select d.name as campaign_name, e.status, e.next_send_at
  from public.campaign_enrollments e join public.drip_campaigns d on d.id = e.campaign_id
  where e.contact_id = c.id and e.status in ('active', 'paused')
  order by e.is_type_campaign desc, e.enrolled_at desc limit 1) e on true;

revoke all on function
  private.guard_opt_out(), private.keep_opt_out(), private.keep_pause(), private.remember_address(),
  private.remember_wish(), private.stop_person(uuid, text, text, timestamptz),
  private.keep_quiet(uuid, timestamptz, text, timestamptz),
  public.choose_preference(uuid, text, text, timestamptz),
  public.record_reply(text, text, text, text, text, timestamptz, timestamptz, timestamptz),
  public.add_suppressions(text[], text[], text, timestamptz)
  from public, anon, authenticated, service_role;
grant execute on function
  public.choose_preference(uuid, text, text, timestamptz),
  public.record_reply(text, text, text, text, text, timestamptz, timestamptz, timestamptz)
  to service_role;
grant execute on function public.add_suppressions(text[], text[], text, timestamptz) to authenticated, service_role;
