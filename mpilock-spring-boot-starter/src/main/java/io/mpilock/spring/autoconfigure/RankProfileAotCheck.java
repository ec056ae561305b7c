/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.aot.BeanFactoryInitializationAotContribution;
import org.springframework.beans.factory.aot.BeanFactoryInitializationAotProcessor;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.boot.autoconfigure.AutoConfigurationPackages;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.context.annotation.Profile;
import org.springframework.core.annotation.MergedAnnotation;
import org.springframework.core.env.Environment;
import org.springframework.core.io.Resource;
import org.springframework.core.io.support.PathMatchingResourcePatternResolver;
import org.springframework.core.io.support.ResourcePatternResolver;
import org.springframework.core.type.AnnotatedTypeMetadata;
import org.springframework.core.type.AnnotationMetadata;
import org.springframework.core.type.classreading.MetadataReaderFactory;
import org.springframework.core.type.classreading.SimpleMetadataReaderFactory;
import org.springframework.util.ClassUtils;

/**
 * Refuses to process an application ahead of time whose beans depend on the profiles of ranks. They
 * would be decided for all ranks on the machine that builds: left out everywhere, without a word.
 * Looks at the classes in the application's packages, since such beans are no definitions by then.
 */
final class RankProfileAotCheck implements BeanFactoryInitializationAotProcessor {
  private static final Pattern OF_RANKS =
      Pattern.compile("(?<![\\w-])(master|rank-\\d+)(?![\\w-])");

  /** For Spring. */
  RankProfileAotCheck() {}

  @Override
  public @Nullable BeanFactoryInitializationAotContribution processAheadOfTime(
      ConfigurableListableBeanFactory beanFactory) {
    if (RankProfiles.isEnabled(Binder.get(beanFactory.getBean(Environment.class)))
        && AutoConfigurationPackages.has(beanFactory)) {
      List<String> found = new ArrayList<>();
      for (String applications : AutoConfigurationPackages.get(beanFactory)) {
        try {
          find(applications, found);
        } catch (IOException e) {
          throw new UncheckedIOException(e);
        }
      }
      if (!found.isEmpty()) {
        throw new IllegalStateException(
            "@Profile is decided ahead of time, for all ranks at once, so no rank"
                + " would have a bean of the profile master or rank-N: "
                + String.join(", ", found)
                + ". Ask LockTemplate.isMaster() or rank() at run time, do not process the"
                + " application ahead of time, or set mpilock.profiles.enabled=false if these"
                + " profiles are not mpilock's.");
      }
    }
    return null;
  }

  private static void find(String inPackage, List<String> found) throws IOException {
    ResourcePatternResolver resources = new PathMatchingResourcePatternResolver();
    MetadataReaderFactory classes = new SimpleMetadataReaderFactory(resources);
    String pattern =
        ResourcePatternResolver.CLASSPATH_ALL_URL_PREFIX
            + ClassUtils.convertClassNameToResourcePath(inPackage)
            + "/**/*.class";
    for (Resource resource : resources.getResources(pattern)) {
      AnnotationMetadata type = classes.getMetadataReader(resource).getAnnotationMetadata();
      if (isOfRanks(type)) {
        found.add(type.getClassName());
      }
      type.getAnnotatedMethods(Profile.class.getName()).stream()
          .filter(RankProfileAotCheck::isOfRanks)
          .forEach(method -> found.add(type.getClassName() + "." + method.getMethodName()));
    }
  }

  private static boolean isOfRanks(AnnotatedTypeMetadata metadata) {
    return metadata.getAnnotations().stream(Profile.class)
        .flatMap(profile -> Stream.of(profile.getStringArray(MergedAnnotation.VALUE)))
        .anyMatch(expression -> OF_RANKS.matcher(expression).find());
  }
}
