import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';

/** A repository that a user has connected. */
@Entity({ name: 'github_repositories', synchronize: false })
export class GithubRepositoryEntity {
  @PrimaryGeneratedColumn('uuid')
  id: string;

  @Column({ name: 'user_id', type: 'uuid' })
  userId: string;

  @Column({ name: 'repo_owner', type: 'varchar', length: 255 })
  repoOwner: string;

  @Column({ name: 'repo_name', type: 'varchar', length: 255 })
  repoName: string;

  @Column({ name: 'repo_url', type: 'text' })
  repoUrl: string;

  @Column({ name: 'default_branch', type: 'varchar', length: 255, default: 'main' })
  defaultBranch: string;

  @Column({ name: 'is_active', type: 'boolean', default: true })
  isActive: boolean;

  @Column({ name: 'last_accessed', type: 'timestamptz', precision: 3, nullable: true })
  lastAccessed: Date | null;

  @Column({ name: 'created_at', type: 'timestamptz', precision: 3, default: () => 'now()' })
  createdAt: Date;
}
