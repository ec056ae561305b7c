import com.google.googlejavaformat.java.Formatter;
import com.google.googlejavaformat.java.ImportOrderer;
import com.google.googlejavaformat.java.JavaFormatterOptions.Style;
import com.google.googlejavaformat.java.RemoveUnusedImports;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Checks or fixes the format of all Java files below some folders, with google-java-format. Run by
 * the build (exec-maven-plugin, see the parent POM) with the formatter on the class path.
 *
 * <p>Usage: {@code Format.java check|fix FOLDER...}
 */
final class Format {
  private Format() {}

  public static void main(String[] args) throws Exception {
    boolean fix = args[0].equals("fix");
    Formatter formatter = new Formatter();
    List<Path> wrong = new ArrayList<>();
    for (int i = 1; i < args.length; i++) {
      Path root = Path.of(args[i]);
      if (!Files.isDirectory(root)) {
        continue;
      }
      for (Path file : javaFiles(root)) {
        String source = Files.readString(file);
        String imports =
            ImportOrderer.reorderImports(RemoveUnusedImports.removeUnusedImports(source), Style.GOOGLE);
        String formatted = formatter.formatSource(imports);
        if (!formatted.equals(source)) {
          if (fix) {
            Files.writeString(file, formatted);
          } else {
            wrong.add(file);
          }
        }
      }
    }
    if (!wrong.isEmpty()) {
      wrong.forEach(file -> System.err.println("not formatted: " + file.toAbsolutePath()));
      System.err.println("Format with: mvn -q compile -Dformat.mode=fix");
      System.exit(1);
    }
  }

  private static List<Path> javaFiles(Path root) throws IOException {
    try (var files = Files.walk(root)) {
      return files.filter(file -> file.toString().endsWith(".java")).sorted().toList();
    }
  }
}
